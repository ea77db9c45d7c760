#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# Includes go down the stairs, never up; libraries stay on their floor.
use strict;
use warnings;
use Test::More;
use File::Find;
use FindBin;

chdir "$FindBin::Bin/../.." or die;

# folder => folders that it may include
my %may = (
	'vmm/base'     => ['vmm/base'],
	'vmm'          => ['vmm', 'vmm/base'],
	'virtio'       => ['virtio', 'vmm', 'vmm/base'],
	'freeze'       => ['freeze', 'virtio', 'vmm', 'vmm/base'],
	'runner'       => ['runner', 'freeze', 'virtio', 'vmm', 'vmm/base'],
	'tools/bench'  => ['runner', 'vmm/base'],
	'tools/guest'  => ['tools/guest', 'runner/wire.h', 'runner/workload_wire.h'],
	'tools/nested' => ['tools/nested', 'runner/nested_wire.h'],
);

# library header => floors that may name it
my %library = (
	'yaml.h'     => ['runner'],
	'libkmod.h'  => ['runner'],
	'jansson.h'  => ['runner'],
	'seccomp.h'  => ['vmm'],
	'bpf/'       => ['freeze'],
	'libelf.h'   => ['vmm', 'freeze', 'runner'],
	'gelf.h'     => ['vmm', 'freeze', 'runner'],
	'zlib.h'     => ['vmm', 'runner'],
	'lzma.h'     => ['vmm', 'runner'],
	'zstd.h'     => ['vmm', 'runner'],
	'lz4'        => ['vmm'],
	'lzo/'       => ['vmm'],
);

my @files;
find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.[chS]$/ } },
	grep { -d } 'vmm', 'virtio', 'freeze', 'runner', 'tools');

# The floor of a path: the longest folder of the table that holds it.
sub floor {
	my ($path) = @_;
	my ($floor) = grep { index($path, "$_/") == 0 }
		sort { length $b <=> length $a } keys %may;
	return $floor;
}

for my $file (sort @files) {
	my $floor = floor($file) or next;
	my @wrong;
	open my $fh, '<', $file or die "$file: $!";
	while (<$fh>) {
		my ($inc) = /^\s*#\s*include\s*"([^"]+)"/;
		if ($inc && !grep { $inc eq $_ || (floor($inc) // '') eq $_ } @{$may{$floor}}) {
			push @wrong, "$file:$.: \"$inc\" is not below $floor";
		}
		my ($sys) = /^\s*#\s*include\s*<([^>]+)>/ or next;
		for my $lib (grep { index($sys, $_) == 0 } keys %library) {
			my $top = $floor eq 'vmm/base' ? 'vmm/base' : $floor;
			push @wrong, "$file:$.: <$sys> does not belong to $floor"
				unless grep { $_ eq $top } @{$library{$lib}};
		}
	}
	ok(!@wrong, $file) or diag(join "\n", @wrong);
}

# No file needs to know all the floors.
my @all;
for my $file (grep { m{^runner/.*\.c$} } @files) {
	open my $fh, '<', $file or die "$file: $!";
	my $text = do { local $/; <$fh> };
	push @all, $file if 3 == grep { $text =~ /#\s*include\s*"$_\// }
		qw(vmm virtio freeze);
}
is_deeply([sort @all], [],
	'no file includes vmm, virtio and freeze');
done_testing();
