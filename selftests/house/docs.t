#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# What the documents say is there: verbs, options, targets, folders, names.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use FindBin;

chdir "$FindBin::Bin/../.." or die;
my $vmtap = $ENV{VMTAP} // './vmtap';
my $tmp = tempdir(CLEANUP => 1);

sub slurp {
	my ($file) = @_;
	open my $fh, '<', $file or die "$file: $!";
	return do { local $/; <$fh> };
}

my $readme = slurp('README.rst');
my $help = qx{$vmtap --help};
my %verb = map { $_ => scalar qx{$vmtap $_ --help} } $help =~ /^  ([a-z]+) {2,}\S/mg;
cmp_ok(scalar keys %verb, '>', 3, 'the program names its verbs');
like($verb{$_}, qr/^usage: vmtap $_\b/i, "$_ --help begins with its usage")
	for sort keys %verb;

# Each command line of vmtap that a document shows can be typed.
for my $doc ('README.rst', 'tools/man/vmtap.1.in', 'runner/run_opts.c') {
	next unless -e $doc;
	my @wrong;
	for (slurp($doc) =~ /\bvmtap ([a-z]+ [^`'"\n]*|[a-z]+`)/g) {
		my ($verb, $rest) = /^([a-z]+)(.*)/;
		next unless exists $verb{$verb};
		push @wrong, "vmtap $verb $_" for
			grep { $verb{$verb} !~ /\Q$_\E\b/ } $rest =~ /(--[a-z-]+)/g;
	}
	is("@wrong", '', "$doc: options exist");
}
my @verbs = $readme =~ /``(?:\.\/)?vmtap ([a-z]+)/g;
is(join(' ', grep { !exists $verb{$_} } @verbs), '', 'README.rst: verbs exist');

my ($folders) = $readme =~ /^Folders\n=+\n\n(.*?)\n\n[A-Z]/ms;
my @said = $folders =~ m{^(\w+)/ }mg;
my @there = grep { -d } glob '*/';
s{/}{} for @there;
is("@{[sort @said]}", "@{[sort grep { $_ ne 'build' } @there]}",
	'README.rst: the folders are those');

my $makefile = slurp('Makefile');
for my $target ($readme =~ /^    (?:sudo )?make ([a-z_ -]+)$/mg, $readme =~ /``make ([a-z-]+)``/g) {
	like($makefile, qr/^\Q$_\E:|^check-%:.*|^\.PHONY:.* \Q$_\E\b/m, "make $_")
		for split ' ', $target;
}

# The scenarios of the README are right as they stand.
my $n = 0;
while ($readme =~ /::\n\n((?:    .*\n|\n)+)/g) {
	my $block = $1 =~ s/^    //mgr;
	$block = $1 if $block =~ /<<'END'\n(.*?)^END$/ms;
	next unless $block =~ /^guest:/m;
	my $file = "$tmp/readme" . ++$n . '.yaml';
	open my $fh, '>', $file or die;
	print $fh $block;
	close $fh;
	my $out = qx{$vmtap lint $file 2>&1};
	is($?, 0, "README.rst: scenario $n") or diag $out;
}
cmp_ok($n, '>', 0, 'README.rst shows a scenario');

# Names of results, in scenarios and README, are in the catalogue: lint knows.
my $out = qx{$vmtap lint scenarios 2>&1};
is($?, 0, 'the shipped scenarios are right') or diag $out;

# The manual is made from the program, and whole.
my $man = qx{tools/man/gen-vmtap $vmtap < tools/man/vmtap.1.in};
is($?, 0, 'vmtap(1) can be made');
(my $plain = $man) =~ s/\\//g;
is(join(' ', grep { $plain !~ /^\.SS vmtap \Q$_\E$/m } sort keys %verb), '',
	'vmtap(1) has every verb');
for my $verb (sort keys %verb) {
	my ($part) = $plain =~ /^\.SS vmtap \Q$verb\E$(.*?)(?=^\.S[SH] )/ms;
	my @missing = grep { ($part // '') !~ /^\.B .*\Q$_\E\b/m }
		$verb{$verb} =~ /^ {2,6}(?:-\w, )?(--[a-z-]+)/mg;
	is("@missing", '', "vmtap(1): options of $verb");
}

# vmtap-scenario(5) tells what checks are made of, and what the guest can call.
my $page = qx{$vmtap schema --man};
$page =~ s/\\\(dq/"/g;
$page =~ s/\\([&-])/$1 eq '-' ? '-' : ''/ge;
my ($checks) = $page =~ /^\.SH CHECKS$(.*?)^\.SH /ms;
my ($guest) = $page =~ /^\.SH GUEST$(.*?)^\.SH /ms;
my @ops = slurp('runner/expr_lex.c') =~ /\[OP_\w+\] = \{ "([^"]+)"/g;
my @funcs = slurp('runner/expr_func.c') =~ /\[FUNC_\w+\] = \{ "([^"]+)"/g;
my @applets = grep { !/-(?:frame|workload|kselftest)$/ }
	slurp('tools/guest/applet.c') =~ /\{ "(vmtap-[a-z-]+)", /g;
cmp_ok(@ops * @funcs * @applets, '>', 1000, 'operators, functions and commands are found');
is(join(' ', grep { $checks !~ /(?: |^)\Q$_\E(?: |$)/m } @ops), '',
	'vmtap-scenario(5) has each operator');
is(join(' ', grep { $checks !~ /\b$_\(/ } @funcs), '',
	'vmtap-scenario(5) has each function');
is(join(' ', grep { $guest !~ /^\.B $_\b/m } @applets), '',
	'vmtap-scenario(5) has each command of the guest');
my ($example) = $checks =~ /^\.nf\n(.*?)^\.fi$/ms;
open my $example_file, '>', "$tmp/checks.yaml" or die;
print $example_file $example;
close $example_file;
my $said = qx{$vmtap lint $tmp/checks.yaml 2>&1};
is($?, 0, 'vmtap-scenario(5): the example of checks is right') or diag $said;

qx{tools/man/gen-result runner/fields.def};
is($?, 0, 'vmtap-result(5) can be made');
# What `make check` has on the newest kernel alone depends on none: it asks for
# none. All else is on an older one, too, and what reads the guest on each.
my @any = grep { slurp($_) =~ /^tags: \[.*\bany-kernel\]/m } glob 'scenarios/*/*.yaml';
cmp_ok(scalar @any, '>', 0, 'scenarios that any kernel does for');
is(join(' ', grep { slurp($_) =~ /^requires:|^expect: (?:panic|timeout)|\b(?:release|image):/m } @any),
	'', 'any-kernel: no kernel is asked for, none dies');
my (%older, %bound);
for my $kernel ('6.1', '6.12') {
	my ($themes) = slurp("selftests/e2e/10-scenarios-$kernel.t") =~
		m{/lib/scenarios" \Q$kernel\E ((?:[a-z]+|\\?\s+)+)\z};
	$older{$_}++ for ($themes // '') =~ /[a-z]+/g;
}
for my $file (glob 'scenarios/*/*.yaml') {
	my ($theme) = $file =~ m{([^/]+)/[^/]+$};
	$bound{$theme} = 1 unless grep { $_ eq $file } @any;
}
is(join(' ', grep { !$older{$_} } sort keys %bound), '', 'each theme is on an older kernel');
is(join(' ', grep { ($older{$_} // 0) != 2 } qw(inside bpf freeze watch)),
	'', 'what reads the guest is on both');
unlike(slurp('selftests/e2e/05-in-tree.t') . slurp('selftests/lib/in-tree.sh'),
	qr/any-kernel|--tag/, 'in the tree all run');

done_testing();
