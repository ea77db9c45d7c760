#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# A run that is ended at a random moment leaves a valid stream and nothing
# else: no process, no temporary file, no mount. KILL_ROUNDS is the number of
# rounds for each way of ending it (200 is the long form), KILL_SEED repeats a
# series of moments.
use strict;
use warnings;
use Test::More;
use FindBin;
use File::Find;
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h setpgid);
use TAP::Parser;
use Time::HiRes qw(sleep time);

my $top = "$FindBin::Bin/../..";
my $vmtap = $ENV{VMTAP} // "$top/vmtap";
my $rounds = $ENV{KILL_ROUNDS} // 2;
my $seed = $ENV{KILL_SEED} // int(rand(2**31));
my $limit = 1.0;	# seconds from a signal to the end, see begin_pace()
my $patience = 60;	# seconds, on any clock, for what comes at once
my $span = 5;		# moments lie in the first seconds of a run
srand($seed);

my $tmp = tempdir('vmtap-kill.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $cache = ($ENV{XDG_CACHE_HOME} // "$ENV{HOME}/.cache") . '/vmtap';

make_path("$tmp/scenarios", "$tmp/tmp", "$tmp/run", "$tmp/state", "$tmp/cwd");
# What was fetched is shared; what runs write into the cache is ours, and cold.
make_path("$tmp/cache/vmtap");
symlink $_, "$tmp/cache/vmtap/" . s{.*/}{}r
	for grep { !m{/(?:kimage|modules)$} } glob "$cache/*";
for my $n (1, 2) {
	open my $fh, '>', "$tmp/scenarios/sleep$n.yaml" or die;
	print $fh "guest: {run: sleep 50}\nvm: {memory: 256M, timeout: 60s}\n";
}

# Every file below a folder, for a comparison before and after.
sub files {
	my @found;
	find({ no_chdir => 1, wanted => sub { push @found, $_ unless -d } },
		grep { -d } @_);
	return sort @found;
}

# Orphans become our children: whatever a run leaves is below us.
syscall(157, 36, 1, 0, 0, 0) == 0 or die "PR_SET_CHILD_SUBREAPER: $!";

# Living processes below ours.
sub processes {
	my (%parent, @found);
	1 while waitpid(-1, WNOHANG) > 0;
	for my $stat (map { slurp($_) } glob '/proc/[0-9]*/stat') {
		my ($pid, $state, $ppid) = $stat =~ /^(\d+) .*\) (\S) (\d+)/s or next;
		$parent{$pid} = $ppid unless $state eq 'Z';
	}
	for my $pid (keys %parent) {
		my $up = $pid;
		$up = $parent{$up} while $up && $up != $$ && $parent{$up};
		push @found, $pid if $up == $$ && $pid != $$;
	}
	return @found;
}

sub slurp {
	my ($file) = @_;
	open my $fh, '<', $file or return '';
	return do { local $/; <$fh> } // '';
}

sub start {
	my ($out) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	setpgid(0, 0);
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', $out or die;
	open STDERR, '>', "$out.err" or die;
	chdir "$tmp/cwd" or die;
	%ENV = (%ENV, TMPDIR => "$tmp/tmp",
		XDG_RUNTIME_DIR => "$tmp/run", XDG_STATE_HOME => "$tmp/state",
		XDG_CACHE_HOME => "$tmp/cache");
	exec $vmtap, 'run', "$tmp/scenarios" or POSIX::_exit(127);
}

# Waits up to $for seconds for the child: (status, seconds) or ().
sub wait_for {
	my ($pid, $for) = @_;
	my $begun = time;
	while (time - $begun < $for) {
		return ($?, time - $begun) if waitpid($pid, WNOHANG) == $pid;
		sleep 0.005;
	}
	kill KILL => $pid;
	waitpid $pid, 0;
	return;
}

# A busy machine, or one that stands still for a while, is no fault of a run: its
# seconds are counted by what a process beside it gets done, pieces of work that
# take a known time where nobody is in the way.
sub piece { my $x = 0; $x += $_ for 1 .. 20_000; return $x }

my $piece = 1;	# seconds, the quickest one seen
sub measure {
	my $begun = time;
	piece();
	my $took = time - $begun;
	$piece = $took if $took < $piece;
}
measure() for 1 .. 300;

sub begin_pace {
	pipe my $in, my $out or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		my ($n, $over) = (0, 0);
		local $SIG{TERM} = sub { $over = 1 };
		piece(), $n++ until $over;
		syswrite $out, "$n\n";
		POSIX::_exit(0);
	}
	close $out;
	return { pid => $pid, in => $in };
}

# Such seconds since begin_pace(), at most those of the clock.
sub end_pace {
	my ($pace, $wall) = @_;
	kill TERM => $pace->{pid};
	my $n = readline($pace->{in}) // 0;
	waitpid $pace->{pid}, 0;
	return $n * $piece < $wall ? $n * $piece : $wall;
}

# Is its handler for that signal in place?
sub handles {
	my ($pid, $number) = @_;
	my ($caught) = slurp("/proc/$pid/status") =~ /^SigCgt:\s*([0-9a-f]+)/m or return 0;
	return hex(substr $caught, -8) >> ($number - 1) & 1;
}

# What is wrong with a stream that a signal ended; the part before the version
# line may be missing where nothing had been said yet.
sub faults {
	my ($tap) = @_;
	return () if $tap eq '';
	my $parser = TAP::Parser->new({ tap => $tap });
	my ($points, $failed, $bail) = (0, 0, 0);
	while (my $r = $parser->next) {
		$points++ if $r->is_test;
		$failed++ if $r->is_test && !$r->is_ok;
		$bail++ if $r->is_bailout;
	}
	# What a bail-out cuts off is no error of the stream.
	my @wrong = grep { !/Bad plan/ } $parser->parse_errors;
	push @wrong, 'no Bail out!' unless $bail == 1;
	push @wrong, 'no "not ok" before it' if $points != $failed || !$points;
	push @wrong, 'last line is cut' unless $tap =~ /\n\z/;
	push @wrong, 'not TAP 13' unless $tap =~ /\ATAP version 13\n1\.\.2\n/;
	return @wrong;
}

my $mounts = slurp('/proc/self/mountinfo');
my @shm = files('/dev/shm');
my %number = (HUP => 1, INT => 2, KILL => 9, TERM => 15);
diag "KILL_SEED=$seed";

for my $way (qw(TERM INT HUP KILL group-INT INT-INT)) {
	my ($sig) = $way =~ /([A-Z]+)$/;
	my (@status, @slow, @stream, @left);
	for my $round (1 .. $rounds) {
		my $out = "$tmp/$way.$round";
		remove_tree("$tmp/cache/vmtap/kimage") if $round % 2;
		my $pid = start($out);
		# Most moments in the first tenths, where things are set up.
		my $moment = rand() < 0.3 ? rand(0.3) : rand($span);
		my $at = sprintf '%s after %.3f s', $way, $moment;
		sleep $moment;
		my $handled = handles($pid, $number{$sig});
		my $pace = begin_pace();
		kill $sig => $way =~ /^group/ ? -$pid : $pid;
		kill $sig => $pid if $way eq 'INT-INT';
		my ($status, $took) = wait_for($pid, $patience);
		$took = end_pace($pace, $took // 0);
		if (!defined $status) {
			push @slow, "$at: still there after $patience s";
		} elsif ($sig ne 'KILL') {
			push @slow, sprintf '%s: %.2f s', $at, $took if $took > $limit;
			# Before its handlers stand the signal itself ends it,
			# and so does a second one: 128+n to a shell too.
			my $bare = !$handled || $way eq 'INT-INT';
			push @status, "$at: $status" unless
				$status == (128 + $number{$sig}) << 8 ||
				($bare && $status == $number{$sig});
			push @stream, map { "$at: $_" } faults(slurp($out))
				unless $bare;
		}
		my $until = time + $patience;
		sleep 0.02 while processes() && time < $until;
		if (my @pids = processes()) {
			push @left, map { "$at: process $_: " .
				slurp("/proc/$_/cmdline") =~ s/\0/ /gr } @pids;
			kill KILL => @pids;
		}
		push @left, map { "$at: $_" } files("$tmp/cwd");
		push @left, map { "$at: $_" } files("$tmp/tmp", "$tmp/run")
			unless $sig eq 'KILL';
	}
	is(join("\n", @status), '', "$way: exit status 128+n");
	is(join("\n", @slow), '', "$way: ends within $limit s");
	is(join("\n", @stream), '', "$way: the stream is valid");
	is(join("\n", @left), '', "$way: no process and no file is left");
}

is(slurp('/proc/self/mountinfo'), $mounts, 'no mount is left');
is_deeply([files('/dev/shm')], \@shm, 'no shared memory is left');

# What a SIGKILL leaves in the temporary folder, the next run removes.
my @stale = files("$tmp/tmp", "$tmp/run");
my $pid = start("$tmp/next");
my $until = time + $patience;
sleep 0.1 while grep({ -e } @stale) && time < $until;
sleep 1;
kill TERM => $pid;
wait_for($pid, $patience);
is_deeply([grep { /\.(?:\w{6}|tmp\b.*)$/ } files("$tmp/cache")], [],
	'no unfinished file is left in the cache');
is_deeply([files("$tmp/tmp", "$tmp/run")], [],
	'the next run removes what a killed one left');
done_testing();
