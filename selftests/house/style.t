#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# checkpatch's opinion on a chosen list of matters, and our own few rules.
use strict;
use warnings;
use Test::More;
use File::Find;
use FindBin;

chdir "$FindBin::Bin/../.." or die;

# Where the code's own ways differ from checkpatch's (types of C99, __free at
# first use, long strings) the matter is not on the list.
my @matters = qw(
	ASSIGN_IN_IF CODE_INDENT DEEP_INDENTATION ELSE_AFTER_BRACE
	FUNCTION_WITHOUT_ARGS GLOBAL_INITIALISERS
	INITIALISED_STATIC LONG_LINE OPEN_BRACE POINTER_LOCATION
	RETURN_PARENTHESES SPACE_BEFORE_TAB SPDX_LICENSE_TAG
	SUSPECT_CODE_INDENT SWITCH_CASE_INDENT_LEVEL
	TRAILING_WHITESPACE TYPO_SPELLING WHILE_AFTER_BRACE
);

my (@code, @scripts);
find({ no_chdir => 1, wanted => sub {
	return unless -f;
	if (/\.[ch]$/) {
		push @code, $_;
	} elsif (open my $fh, '<', $_) {
		my $first = <$fh> // '';
		push @scripts, $_ if $first =~ m{^#!.*\b(?:ba)?sh\b};
	}
} }, grep { -d } qw(vmm virtio freeze runner tools selftests scenarios .ci));
@code = sort @code;

sub lines {
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	return <$fh>;
}

my $checkpatch = ($ENV{VMTAP_BUILD} // 'build') .
	'/linux-source/scripts/checkpatch.pl';
SKIP: {
	skip 'no kernel source: make deps', 1 unless -e $checkpatch;
	my $out = qx{perl $checkpatch --no-tree --no-summary --terse --strict \\
		--show-types --max-line-length=100 --types @{[join ',', @matters]} \\
		-f @code 2>&1};
	unlink glob '.checkpatch-camelcase.*';	# its cache
	# Tables of a test may be wide.
	my @found = grep { !m{^selftests/.*:LONG_LINE} } split /\n/, $out;
	is(join("\n", @found), '', 'checkpatch');
}

my (@comments, @marks, @long);
my $limit = 700;	# aim at half of it; tests are lists
for my $file (@code) {
	my @lines = lines($file);
	my $n = 0;
	for (@lines) {
		$n++;
		push @comments, "$file:$n" if m{^\s*//} && !/SPDX/;
		push @marks, "$file:$n" if /\b(XXX|FIXME|TODO:)/ && !/mktemp|XXXXXX/;
	}
	push @long, "$file: $n lines" if $n > $limit && $file !~ m{^selftests/};
}
is("@comments", '', 'comments are /* */');
is("@marks", '', 'nothing is left for later');
is(join("\n", @long), '', "no file above $limit lines");

# A function ends with a brace in the first column.
my @functions;
for my $file (grep { /\.c$/ && !m{^selftests/} } @code) {
	my ($start, $n) = (0, 0);
	for (lines($file)) {
		$n++;
		$start = $n if /^\{/;
		if (/^\}\s*$/ && $start) {
			push @functions, "$file:$start" if $n - $start > 100;
			$start = 0;
		}
	}
}
is(join("\n", @functions), '', 'no function above 100 lines');

SKIP: {
	skip 'shellcheck is not installed', 1
		if system('command -v shellcheck >/dev/null 2>&1');
	my $out = qx{shellcheck -S warning -x -P SCRIPTDIR -e SC1091,SC2154,SC2317 @scripts 2>&1};
	is($out, '', 'shellcheck');
}
done_testing();
