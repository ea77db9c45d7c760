# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion of vmtap in bash. Verbs and options are read from the program's
# own --help, so they are the ones that it has.

_vmtap()
{
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD-1]} verb="" words=""
	COMPREPLY=()
	((COMP_CWORD < 2)) || verb=${COMP_WORDS[1]}

	case $previous in
	--kernel | -k)
		words=$("$program" kernel list 2>/dev/null | awk '{ print $1 }')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
		[[ $word != */* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--accel) words="auto kvm nested" ;;
	--format) words="tap13 ktap" ;;
	esac
	if [[ -z $words && -z $verb ]]; then
		words=$("$program" --help 2>/dev/null |
			sed -n 's/^  \([a-z]\{2,\}\)  .*/\1/p')
	elif [[ -z $words && $word == -* ]]; then
		words=$("$program" "$verb" --help 2>/dev/null |
			grep -oE -- '--[a-z][a-z0-9-]+' | sort -u)
	fi
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}
complete -F _vmtap vmtap
