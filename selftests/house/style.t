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

# checkpatch takes a millisecond for each line, so it looks at what the last twenty
# commits touched of what we ship (without a history, and with STYLE=all, at all).
sub recent {
	my @shipped = grep { !m{^selftests/} } @code;
	my %touched = map { chomp; ($_ => 1) }
		qx{git log -n 20 --name-only --format= -- '*.c' '*.h' 2>/dev/null};
	return @shipped if $? || !%touched || ($ENV{STYLE} // '') eq 'all';
	return grep { $touched{$_} } @shipped;
}

my $checkpatch = ($ENV{VMTAP_BUILD} // 'build') .
	'/linux-source/scripts/checkpatch.pl';
SKIP: {
	skip 'no kernel source: make deps', 1 unless -e $checkpatch;
	my @files = recent() or skip 'nothing that is shipped was touched', 1;
	my $out = qx{perl $checkpatch --no-tree --no-summary --terse --strict \\
		--show-types --max-line-length=100 --types @{[join ',', @matters]} \\
		-f @files 2>&1};
	unlink glob '.checkpatch-camelcase.*';	# its cache
	is($out, '', 'checkpatch');
}

# All lines, those of tests too, have rules over a line and the one before it.
# Compilers tell f() from f(void), and an indentation that guards nothing.
my $type = qr/(?:void|bool|char|int|long|unsigned|s?size_t|[us](?:8|16|32|64)|struct \w+)/;
my $zero = qr/=\s*(?:0|NULL|false)\s*;/;
my @rules = (	# each with what it has to find
	[ 'code indent', qr/\n *\t* {8}|\n\t* +\t/, "\n        int a;" ],
	[ 'space before a tab', qr/\n.* \t/, "\nint a; \t/* b */" ],
	[ 'trailing whitespace', qr/\n.*[ \t]$/, "\nint a; " ],
	[ 'else after a brace', qr/\}\s*\n\s*else\b/, "\t}\n\telse" ],
	[ 'while after a brace', qr/\}\s*\n\s*while\b.*;$/, "\t}\n\twhile (a);" ],
	[ 'brace of a function', qr/\n(?!FIXTURE)\w[^=]*\)\s*\{$/, "\nstatic int f(void) {" ],
	[ 'brace of a block', qr/\b(?:(?:if|for|while|switch)\b.*\)|do|else)\n\s+\{$/,
		"\tif (a)\n\t{" ],
	[ 'place of a *', qr/\n[^"]*\b$type(?:\*+ \w| \*+ (?!const)\w)/, "\n\tchar* a;" ],
	[ 'return in parentheses', qr/\n\s*return\s*(\((?:[^()]++|(?1))*\))\s*;/,
		"\n\treturn (a(b));" ],
	[ 'zeroed static', qr/\n\s*static\b[^({]*$zero/, "\n\tstatic int a = 0;" ],
	[ 'zeroed global', qr/\n[a-z][^({]*$zero/, "\nint a = 0;" ],
	[ 'assignment in an if', qr/\n[^"]*\bif \([^"]*[^=!<>"']=[^=]/, "\n\tif ((a = b))" ],
	[ 'deep indentation', qr/\n\t{6,}(?:if|for|while|do|switch)\b/, "\n\t\t\t\t\t\tif (a)" ],
	[ 'indented case', qr/(?:^|\n)(\t*)switch\b.*\n\1\s+case\b/, "\tswitch (a) {\n\t\tcase 1:" ],
);
my %wrong;	# as checkpatch has it
my $spelling = $checkpatch =~ s{[^/]+$}{spelling.txt}r;
if (-e $spelling) {
	%wrong = map { /^([a-z]+)\|\|/i ? (lc $1, 1) : () } lines($spelling);
	ok($wrong{recieve}, 'the list of wrong words is read');
}
my @against;
for my $file (@code) {
	my ($last, $n) = ('', 0);
	for my $line (lines($file)) {
		chomp $line;
		$n++;
		for (@rules) {
			push @against, "$file:$n: $_->[0]" if "$last\n$line" =~ $_->[1];
		}
		push @against, "$file:$n: $_" for grep { $wrong{lc $_} }
			$line =~ /(?<![\w'`-])[A-Za-z]+(?![\w'`-])/g;
		$last = $line;
	}
	push @against, "$file: no SPDX" if (lines($file))[0] !~
		($file =~ /c$/ ? qr{^// SPDX-License-Identifier: } : qr{^/\* SPDX-License-Identifier: });
}
is(join("\n", @against), '', 'style');
is(join(', ', map { $_->[2] =~ $_->[1] ? () : $_->[0] } @rules), '', 'each rule finds something');

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
