#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# read-tap.pl: TAP on stdin through TAP::Parser, what it saw as JSON.
use strict;
use warnings;
use JSON::PP;
use TAP::Parser;

binmode STDIN, ':raw';
my $tap = do { local $/; <STDIN> };
utf8::decode($tap) or die 'not UTF-8';
my $parser = TAP::Parser->new({ tap => $tap });
my (@points, $bail);
while (my $r = $parser->next) {
	if ($r->is_test) {
		push @points, {
			ok => $r->is_actual_ok ? JSON::PP::true : JSON::PP::false,
			name => $r->description, skip => $r->has_skip ? 1 : 0,
			todo => $r->has_todo ? 1 : 0, unplanned => $r->is_unplanned ? 1 : 0,
		};
	} elsif ($r->is_yaml) {
		$points[-1]{block} = $r->data;
	} elsif ($r->is_bailout) {
		$bail = $r->explanation;
	} elsif ($r->is_unknown) {
		die 'unknown line: ' . $r->raw;
	}
}
print JSON::PP->new->utf8->encode({ points => \@points, bail => $bail,
	errors => [$parser->parse_errors], plan => $parser->plan });
