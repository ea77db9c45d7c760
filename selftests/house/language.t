#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# What the tables of the language hold, a test names: each key and each word of
# a key's value in a good file or a scenario, each operator and function of a
# check in test_expr.c with a value that it gives, each refusal of a key in a
# bad file, each splat and each invariant in its unit test.
use strict;
use warnings;
use Test::More;
use FindBin;
use JSON::PP;

chdir "$FindBin::Bin/../.." or die;
my $vmtap = $ENV{VMTAP} // './vmtap';

sub slurp {
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	return do { local $/; <$fh> };
}

# --- keys and words ---------------------------------------------------------

my $schema = decode_json(scalar qx{$vmtap schema});
my %file = map { $_ => slurp($_) }
	(glob('selftests/lang/good/*.yaml'), glob('scenarios/*/*.yaml'));
my $good = join "\n", values %file;
my $units = join "\n", map { slurp($_) } glob 'selftests/unit/test_{scenario,plan,yaml}.c';
my (%key, %word);

# Every key of the schema by its last name, with the words that it may be.
sub gather {
	my ($node, $name) = @_;
	return unless ref $node eq 'HASH';
	if ($node->{enum}) {
		$word{$name}{$_} = 1 for grep { !ref } @{$node->{enum}};
	}
	gather($_, $name) for @{$node->{anyOf} // []}, @{$node->{oneOf} // []};
	gather($node->{items}, $name) if $node->{items};
	while (my ($k, $sub) = each %{$node->{properties} // {}}) {
		$k =~ s/.*\.//;
		$key{$k} = 1;
		gather($sub, $k);
	}
}
gather($schema, '');
while (my ($path, $node) = each %{$schema->{definitions} // {}}) {
	gather($node, $path =~ s/.*\.//r);
}

cmp_ok(scalar keys %key, '>', 100, 'the schema names its keys');
is(join(' ', grep { $good !~ /(?<![\w.-])\Q$_\E(?=["']?:)|\.\Q$_\E(?=["']?:)/ } sort keys %key),
	'', 'each key is in a good file or a scenario');

cmp_ok(scalar keys %word, '>', 5, 'the schema names words');
my @unsaid;
for my $k (sort keys %word) {
	for my $w (sort keys %{$word{$k}}) {
		push @unsaid, "$k: $w" unless
			"$good\n$units" =~ /(?<![\w-])["']?\Q$k\E["']?: *\[?[^\n\]}]*(?<![\w-])\Q$w\E(?![\w-])/;
	}
}
is(join("\n", @unsaid), '', 'each word of a key is in a good file, a scenario or a unit test');

# A default that changes changes what scenarios mean: it is written down twice.
my @default;
sub defaults {
	my ($path, $node) = @_;
	return unless ref $node eq 'HASH';
	push @default, "$path " . JSON::PP->new->allow_nonref->canonical->encode($node->{default})
		if exists $node->{default};
	defaults("${path}[]", $node->{items}) if $node->{items};
	defaults($path, $_) for @{$node->{anyOf} // []}, @{$node->{oneOf} // []};
	defaults("$path.$_", $node->{properties}{$_}) for sort keys %{$node->{properties} // {}};
}
defaults($_, $schema->{definitions}{$_}) for sort keys %{$schema->{definitions}};
cmp_ok(scalar @default, '>', 30, 'the schema tells defaults');
my %golden = map { $_ => 1 } split /\n/, slurp('selftests/lang/defaults');
my %real = map { $_ => 1 } @default;
is(join("\n", grep { !$golden{$_} } sort keys %real), '', 'each default is in selftests/lang/defaults');
is(join("\n", grep { !$real{$_} } sort keys %golden), '', 'and no other is there');

# --- operators and functions ------------------------------------------------

my $tests = slurp('selftests/unit/test_expr.c');
my %vector = $tests =~ /\{ "((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)/g;
my @values = grep { $vector{$_} !~ /^(?:BAD|ERROR|ABSENT)/ } keys %vector;
cmp_ok(scalar @values, '>', 80, 'test_expr.c has vectors');

my @ops = slurp('runner/expr_lex.c') =~ /\[OP_\w+\] = \{ "([^"]+)"/g;
my ($count) = slurp('runner/expr_node.h') =~ /enum op \{(.*?)OP_COUNT/s;
is(scalar @ops, scalar(() = $count =~ /OP_\w+/g), 'the operators are found');
is(join(' ', grep { my $op = $_; !grep { / \Q$op\E / } @values } @ops), '',
	'each operator gives a value in test_expr.c');
for my $op (qw(== != < <= > >= =~ !~ && ||)) {
	my %seen = map { $vector{$_} => 1 } grep {
		/^[^&|]* \Q$op\E [^&|]*$/ } @values;
	ok($seen{true} && $seen{false}, "$op is seen to hold and not to hold");
}

my @funcs = slurp('runner/expr_func.c') =~ /\[FUNC_\w+\] = \{ "([^"]+)"/g;
($count) = slurp('runner/expr_node.h') =~ /enum func \{(.*?)FUNC_COUNT/s;
is(scalar @funcs, scalar(() = $count =~ /FUNC_\w+/g), 'the functions are found');
is(join(' ', grep { my $f = $_; !grep { /\b$f\(/ } @values } @funcs), '',
	'each function gives a value in test_expr.c');
for my $f (qw(any all exists monotonic)) {
	my %seen = map { $vector{$_} => 1 } grep { /^(?:!?$f\([^&|]*\)|[^&|]*\.$f\(\))$/ } @values;
	ok($seen{true} && $seen{false}, "$f() is seen to hold and not to hold");
}

# --- results ----------------------------------------------------------------

my $splat = slurp('selftests/unit/test_splat.c');
my @kinds = grep { $_ ne 'SPLAT_KINDS' } slurp('runner/splat.h') =~ /^\t(SPLAT_\w+),?/mg;
cmp_ok(scalar @kinds, '>', 8, 'the kinds of splats are found');
is(join(' ', grep { $splat !~ /\b$_\b/ } @kinds), '', 'each kind of splat is in test_splat.c');

my $broken = slurp('selftests/unit/test_invariant.c');
my @breaches = slurp('runner/invariant.c') =~ /breach\(b, "((?:[^"\\]|\\.)*)"/g;
cmp_ok(scalar @breaches, '>', 15, 'the invariants are found');
my @whole;
for my $text (@breaches) {
	# What a test has to quote of it: its last words.
	my ($part) = reverse grep { length > 4 } split /%(?:ll|z)?[a-z]/, $text;
	push @whole, $text if index($broken, $part) < 0;
}
is(join("\n", @whole), '', 'each invariant is broken in test_invariant.c');

# Each refusal is had by a bad file, or by a test of the verbs or of its unit.
my $told = join "\n", map { slurp($_) } glob('selftests/lang/bad/*.err'), 'selftests/lang/verbs.t',
	glob 'selftests/unit/test_{yaml,scenario,plan}.c';
my ($messages, @unheard) = (0);
for my $file (glob 'runner/{yaml,yamltext,parse,parse_scalar,parse_custom,parse_workload,matrix,' .
		'plan,plan_expand,plan_checks,scenario,discover,lint}.c') {
	my $text = slurp($file);
	while ($text =~ /\b(?:parse_error|error_at|problem_add|limit_error|warn_at)\([^;]*?
			"((?:[^"\\]|\\.|"\s*")*)"/gsx) {
		my $format = $1 =~ s/"\s*"//gr;
		my ($part) = reverse grep { length > 4 }
			split /%[-.*0-9]*(?:ll|z)?[a-z]|\\"|%%|[`:]/, $format;
		next unless defined $part;
		$messages++;
		push @unheard, "$file: $format" if index($told, $part) < 0;
	}
}
cmp_ok($messages, '>', 90, 'the messages of the language are found');
is(join("\n", @unheard), '', 'each message is in a bad file or a test');

my $outcomes = slurp('runner/report.c');
my @outcomes = $outcomes =~ /\[OUTCOME_\w+\] = "(\w+)"/g;
cmp_ok(scalar @outcomes, '==', 7, 'the outcomes are found');
my $kinds = slurp('selftests/e2e/40-outcomes.t');
is(join(' ', grep { $kinds !~ /-$_ <<</ } @outcomes), '',
	'each outcome is had by a case of 40-outcomes.t');
done_testing();
