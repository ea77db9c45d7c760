#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make install with DESTDIR and PREFIX, and what was installed works there.
. "$(dirname "$0")/../lib/tap.sh"
cd "$top" || exit 1

dest=$tmp/dest
share=$dest/opt/v/share
plan 9

ok "installs" make -s install DESTDIR="$dest" PREFIX=/opt/v
is "where it was told to, and nothing more" \
	"$(cd "$dest/opt/v" && find . -type f ! -path './share/vmtap/*' ! -path './lib/vmtap/payloads/*' | sort | xargs)" \
	"./bin/vmtap ./share/bash-completion/completions/vmtap \
./share/man/man1/vmtap.1 ./share/man/man5/vmtap-result.5 \
./share/man/man5/vmtap-scenario.5"
is "nothing outside the prefix" "$(cd "$dest" && ls)" opt
ok "the scenarios come along" diff -r scenarios "$share/vmtap/scenarios"
ok "the installed program runs" "$dest/opt/v/bin/vmtap" --version
ok "a second install changes nothing" make -s install DESTDIR="$dest" PREFIX=/opt/v

if command -v mandoc >/dev/null; then
	# Without a date the pages of two builds are the same.
	is "the manual is clean" "$(mandoc -T lint -W warning "$share"/man/man?/* |
		grep -v 'missing date')" ""
else
	skip "the manual is clean" "mandoc is not installed"
fi
export PATH=$dest/opt/v/bin:$PATH

# completions WORD...: what bash offers for the last word
completions()
{
	bash --norc -c '
		source "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_vmtap; printf "%s\n" "${COMPREPLY[@]}"' \
		- "$share/bash-completion/completions/vmtap" "$@"
}
like "verbs are completed" "$(completions vmtap ru)" '^run$'
like "options are completed" "$(completions vmtap run --for)" '^--format=?$'
