# fish completion for vcpflash and vcpflash-sim. Asks no board anything.

function __vcpflash_images
    set -l token (commandline -ct)
    for name in (__fish_complete_path $token)
        if string match -qr '(/|(?i)\.(hex|ihx|ihex|srec|s19|s28|s37|mot|elf|axf|out|uf2|bin))$' -- (string split -f1 \t -- $name)
            echo $name
        end
    end
end

function __vcpflash_ports
    echo auto
    echo tcp://
    echo rfc2217://
    for name in /dev/serial/by-id/* /dev/ttyACM* /dev/ttyUSB*
        echo $name
    end
end

# The words that are neither options nor their values: the command, then its arguments.
function __vcpflash_words
    set -l words (commandline -opc)
    set -l valued -p --port --ports --log --since --board -b --baud --max-baud --trace --key-file -o --output --format --fill --family --compress --verify
    set -l skip 1
    set -l before
    for word in $words
        if test $skip -eq 1; or string match -qr '^--wait [0-9]+$' -- "$before $word"
            set skip 0
        else if contains -- $word $valued
            set skip 1
        else if not string match -q -- '-?*' $word
            echo $word
        end
        set before $word
    end
end

function __vcpflash_command
    set -l words (__vcpflash_words)
    set -q words[1]; and echo $words[1]
end

function __vcpflash_is
    contains -- (__vcpflash_command; or echo none) $argv
end

# How many words the command has behind it.
function __vcpflash_count
    math (count (__vcpflash_words)) - 1
end

complete -c vcpflash -f
complete -c vcpflash -s p -l port -x -a '(__vcpflash_ports)' -d 'the board\'s port'
complete -c vcpflash -s b -l baud -x -a '9600 38400 115200 230400 460800 921600 1000000 2000000 3000000' -d 'rate at which talk begins'
complete -c vcpflash -l max-baud -x -a '0 115200 230400 460800 921600 1000000 2000000 3000000' -d 'rate to which it may go up'
complete -c vcpflash -l json -d 'one JSON object a line'
complete -c vcpflash -s q -l quiet -d 'only errors'
complete -c vcpflash -s v -l verbose -d 'plan and line too'
complete -c vcpflash -l trace -r -F -d 'write every frame'
complete -c vcpflash -n '__vcpflash_is info program verify read erase digest run doctor gang' -l wait -d 'until a board appears'
complete -c vcpflash -l key-file -r -F -d 'the board\'s key'
complete -c vcpflash -s h -l help -d help
complete -c vcpflash -l version -d 'the version'

complete -c vcpflash -n 'not __vcpflash_command' -a info -d 'the board, its memories, the link'
complete -c vcpflash -n 'not __vcpflash_command' -a program -d 'make the flash hold these images'
complete -c vcpflash -n 'not __vcpflash_command' -a verify -d 'compare only'
complete -c vcpflash -n 'not __vcpflash_command' -a read -d 'read to a file'
complete -c vcpflash -n 'not __vcpflash_command' -a erase -d 'erase a range or the whole chip'
complete -c vcpflash -n 'not __vcpflash_command' -a digest -d 'SHA-256, computed on the board'
complete -c vcpflash -n 'not __vcpflash_command' -a merge -d 'one file out of several'
complete -c vcpflash -n 'not __vcpflash_command' -a inspect -d 'segments, entry points, vector tables, gaps'
complete -c vcpflash -n 'not __vcpflash_command' -a run -d 'start the application'
complete -c vcpflash -n 'not __vcpflash_command' -a doctor -d 'link, board or chip: which is at fault'
complete -c vcpflash -n 'not __vcpflash_command' -a gang -d 'many boards at once'
complete -c vcpflash -n 'not __vcpflash_command' -a log -d 'what gangs did'
complete -c vcpflash -n 'not __vcpflash_command' -a ports -d 'serial ports, and where a board answers'

complete -c vcpflash -n '__vcpflash_is program verify merge inspect gang' -a '(__vcpflash_images)'
complete -c vcpflash -n '__vcpflash_is read; and test (__vcpflash_count) -eq 2' -F

complete -c vcpflash -n '__vcpflash_is program gang' -l full -d 'do not compare first'
complete -c vcpflash -n '__vcpflash_is program' -l dry-run -d 'print the plan only'
complete -c vcpflash -n '__vcpflash_is program erase gang' -l discard -d 'preserve nothing that no file names'
complete -c vcpflash -n '__vcpflash_is program gang' -l compress -x -a 'auto on off' -d 'what is sent'
complete -c vcpflash -n '__vcpflash_is program verify gang' -l verify -x -a 'digest full' -d 'how it is checked'
complete -c vcpflash -n '__vcpflash_is program gang' -l run -d 'start the application afterwards'
complete -c vcpflash -n '__vcpflash_is program erase doctor gang' -l yes -d 'do not ask'
complete -c vcpflash -n '__vcpflash_is erase' -l chip -d 'the whole external flash'
complete -c vcpflash -n '__vcpflash_is doctor' -l whole-chip -d 'all of it; destroys what it holds'
complete -c vcpflash -n '__vcpflash_is merge' -s o -l output -r -F -d 'where to'
complete -c vcpflash -n '__vcpflash_is merge' -l format -x -a 'hex srec bin uf2' -d 'whatever the ending'
complete -c vcpflash -n '__vcpflash_is merge' -l fill -x -a '0x00 0xff' -d 'for gaps'
complete -c vcpflash -n '__vcpflash_is merge' -l family -x -d 'of .uf2'

complete -c vcpflash -n '__vcpflash_is gang' -l ports -x -a '(__vcpflash_ports)' -d 'at these ports'
complete -c vcpflash -n '__vcpflash_is gang' -l all -d 'at every port that is known to be a board'
complete -c vcpflash -n '__vcpflash_is gang' -l loop -d 'the production line'
complete -c vcpflash -n '__vcpflash_is gang log' -l log -r -F -d 'where rows are kept'
complete -c vcpflash -n '__vcpflash_is gang' -l no-log -d 'keep no row'
complete -c vcpflash -n '__vcpflash_is log' -l csv -d 'comma-separated values'
complete -c vcpflash -n '__vcpflash_is log' -l since -x -d 'only what is newer'
complete -c vcpflash -n '__vcpflash_is log' -l board -x -d 'only this board'
complete -c vcpflash -n '__vcpflash_is log' -l failed -d 'only what failed'

complete -c vcpflash-sim -f
complete -c vcpflash-sim -l chip -x -a '(vcpflash-sim --list-chips 2>/dev/null | string split -f1 " ")' -d 'the chip'
complete -c vcpflash-sim -l dual -d 'two of them in parallel'
complete -c vcpflash-sim -l base -x -d 'where it is mapped'
complete -c vcpflash-sim -l flash -r -F -d 'its contents'
complete -c vcpflash-sim -l internal -r -F -d 'internal flash besides'
complete -c vcpflash-sim -l pty -r -F -d 'link the pseudo-terminal there'
complete -c vcpflash-sim -l tcp -x -d 'listen there instead'
complete -c vcpflash-sim -l link -x -a 'usb-fs usb-hs uart: ideal' -d 'how fast the link is'
complete -c vcpflash-sim -l max-baud -x -d 'with uart, up to this rate'
complete -c vcpflash-sim -l time -x -a 'real none' -d 'real or none'
complete -c vcpflash-sim -l fault -x -a 'corrupt= drop= dup= stall= reset= badbit= badrate= cut= link=overrun chip=protected chip=qpi chip=addr4 chip=asleep chip=continuous chip=absent chip=shorted unplug=' -d 'what goes wrong'
complete -c vcpflash-sim -l seed -x -d 'for faults'
complete -c vcpflash-sim -l name -x -d 'what the board calls itself'
complete -c vcpflash-sim -l ring -x -d 'receive ring'
complete -c vcpflash-sim -l window -x -d 'stream window'
complete -c vcpflash-sim -l payload -x -d 'largest payload'
complete -c vcpflash-sim -l blocking -d 'cannot receive while its chip works'
complete -c vcpflash-sim -l no-sfdp -d 'the chip has no parameter table'
complete -c vcpflash-sim -l journal -d 'the board keeps a journal'
complete -c vcpflash-sim -l guests -x -a 'off console ymodem serprog console,ymodem console,ymodem,serprog' -d 'protocols spoken besides'
complete -c vcpflash-sim -l board -x -a 'stm32h745i-disco stm32h747i-disco' -d 'a board whose firmware is executed'
complete -c vcpflash-sim -l port -x -a 'usb uart' -d 'which of its virtual COM ports'
complete -c vcpflash-sim -l firmware -x -a '(__vcpflash_images)' -d 'for its internal flash'
complete -c vcpflash-sim -l firmware-m4 -x -a '(__vcpflash_images)' -d 'for its other core'
complete -c vcpflash-sim -l key-file -r -F -d 'the board has this key'
complete -c vcpflash-sim -l list-chips -d 'which chips there are'
complete -c vcpflash-sim -s h -l help -d help
complete -c vcpflash-sim -l version -d 'the version'
