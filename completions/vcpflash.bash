# bash completion for vcpflash and vcpflash-sim. Asks no board anything.

# The files with one of these endings, and folders.
_vcpflash_files() {
	local cur=$1 name
	shift
	compopt -o filenames 2>/dev/null
	COMPREPLY=()
	while IFS= read -r name; do
		if [[ -d $name || $# -eq 0 ]]; then
			COMPREPLY+=("$name")
			continue
		fi
		local ending
		for ending; do
			[[ ${name,,} == *".$ending" ]] && COMPREPLY+=("$name") && break
		done
	done < <(compgen -f -- "$cur")
}

_vcpflash_words() {
	local cur=$1
	shift
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_vcpflash_ports() {
	local name found=(auto tcp:// rfc2217://)
	for name in /dev/serial/by-id/* /dev/ttyACM* /dev/ttyUSB*; do
		[[ -e $name ]] && found+=("$name")
	done
	_vcpflash_words "$1" "${found[@]}"
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *:// ]]; then
		compopt -o nospace 2>/dev/null
	elif [[ ${#COMPREPLY[@]} -eq 0 ]]; then
		_vcpflash_files "$1"
	fi
}

# What follows `option`; fails if the option takes nothing.
_vcpflash_value() {
	local option=$1 cur=$2
	case $option in
	-p | --port | --ports) _vcpflash_ports "$cur" ;;
	-b | --baud) _vcpflash_words "$cur" 9600 38400 115200 230400 460800 921600 1000000 2000000 3000000 ;;
	--max-baud) _vcpflash_words "$cur" 0 115200 230400 460800 921600 1000000 2000000 3000000 ;;
	--verify) _vcpflash_words "$cur" digest full ;;
	--compress) _vcpflash_words "$cur" auto on off ;;
	--format) _vcpflash_words "$cur" hex srec bin uf2 ;;
	--fill) _vcpflash_words "$cur" 0x00 0xff ;;
	--family | --since | --board) COMPREPLY=() ;;
	--trace | --key-file | --log | -o | --output) _vcpflash_files "$cur" ;;
	*) return 1 ;;
	esac
}

_vcpflash_sim_value() {
	local option=$1 cur=$2
	case $option in
	--chip) _vcpflash_words "$cur" "$(vcpflash-sim --list-chips 2>/dev/null | cut -d' ' -f1)" ;;
	--link) _vcpflash_words "$cur" usb-fs usb-hs uart: ideal ;;
	--guests) _vcpflash_words "$cur" off console ymodem serprog console,ymodem console,ymodem,serprog ;;
	--time) _vcpflash_words "$cur" real none ;;
	--board) _vcpflash_words "$cur" stm32h745i-disco stm32h747i-disco ;;
	--port) _vcpflash_words "$cur" usb uart ;;
	--fault)
		_vcpflash_words "$cur" corrupt= drop= dup= stall= reset= badbit= badrate= cut= link=overrun \
			chip=protected chip=qpi chip=addr4 chip=asleep chip=continuous chip=absent chip=shorted unplug=
		compopt -o nospace 2>/dev/null
		;;
	--flash | --internal | --pty | --key-file) _vcpflash_files "$cur" ;;
	--firmware | --firmware-m4) _vcpflash_files "$cur" hex ihx ihex srec s19 s28 s37 mot elf axf out uf2 ;;
	--base | --tcp | --max-baud | --seed | --name | --ring | --window | --payload) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

# Sets `command` to the command among the words before the one that is completed, `count`
# to how many arguments it has there, and `option` to the option that wants a value.
_vcpflash_scan() {
	local word before=''
	command='' count=0 option=''
	for word in "$@"; do
		if [[ -n $option || ($before == --wait && $word == [0-9]*) ]]; then
			option=''
		elif [[ $word == -?* && $word != *=* ]]; then
			local COMPREPLY=()
			_vcpflash_value "$word" '' && option=$word
		elif [[ $word == -?* ]]; then
			:
		elif [[ -z $command ]]; then
			command=$word
		else
			((count += 1))
		fi
		before=$word
	done
}

_vcpflash_options() {
	local always='--port --baud --json --quiet --verbose --trace --max-baud --key-file --help --version'
	local with_board="$always --wait"
	case $1 in
	program) echo "$with_board --full --dry-run --discard --compress --verify --run --yes" ;;
	verify) echo "$with_board --verify" ;;
	erase) echo "$with_board --discard --yes --chip" ;;
	merge) echo "$always --output --format --fill --family" ;;
	gang)
		echo "$with_board --full --discard --compress --verify --run --yes --ports --all --loop --log --no-log"
		;;
	log) echo "$always --log --csv --since --board --failed" ;;
	doctor) echo "$with_board --yes --whole-chip" ;;
	info | read | digest | run) echo "$with_board" ;;
	*) echo "$always" ;;
	esac
}

_vcpflash_argument() {
	local command=$1 count=$2 cur=$3
	case $command in
	'') _vcpflash_words "$cur" info program verify read erase digest merge inspect run doctor gang log ports ;;
	program | verify | merge | inspect | gang)
		_vcpflash_files "$cur" hex ihx ihex srec s19 s28 s37 mot elf axf out uf2 bin
		;;
	read) [[ $count -eq 2 ]] && _vcpflash_files "$cur" ;;
	esac
}

# bash splits words at '=' and ':' too; what is offered must not repeat what it split off.
_vcpflash_trim() {
	local cur=$1 i
	[[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] || return 0
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${COMPREPLY[i]#"${cur%"${cur##*:}"}"}
	done
}

_vcpflash() {
	local line=${COMP_LINE:0:COMP_POINT} words cur command count option
	read -ra words <<<"$line" 2>/dev/null
	[[ $line == *[[:space:]] ]] && words+=('')
	cur=${words[-1]}
	COMPREPLY=()
	_vcpflash_scan "${words[@]:1:${#words[@]}-2}"
	if [[ -n $option ]]; then
		_vcpflash_value "$option" "$cur"
	elif [[ $cur == --*=* ]]; then
		cur=${cur#*=}
		_vcpflash_value "${words[-1]%%=*}" "$cur"
	elif [[ $cur == -* ]]; then
		_vcpflash_words "$cur" "$(_vcpflash_options "$command")"
	else
		_vcpflash_argument "$command" "$count" "$cur"
	fi
	_vcpflash_trim "$cur"
}

_vcpflash_sim() {
	local line=${COMP_LINE:0:COMP_POINT} words cur
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	cur=${words[-1]}
	COMPREPLY=()
	if [[ $cur == --*=* ]]; then
		_vcpflash_sim_value "${cur%%=*}" "${cur#*=}"
	elif ! _vcpflash_sim_value "${words[-2]}" "$cur"; then
		_vcpflash_words "$cur" --chip --dual --base --flash --internal --pty --tcp --link --max-baud --time --fault \
			--seed --name --ring --window --payload --blocking --no-sfdp --journal --guests --board --firmware \
			--port --firmware-m4 --key-file --list-chips --help --version
	fi
	_vcpflash_trim "$cur"
}

complete -F _vcpflash vcpflash
complete -F _vcpflash_sim vcpflash-sim
