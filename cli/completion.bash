# SPDX-FileCopyrightText: 2026 The Stipple authors
# SPDX-License-Identifier: MIT
#
# Bash completion for stipplectl.  A test compares it with the program's own table of options.

# What goes on every line.  A trailing = marks an option with a value.
_stipplectl_globals='--json --color= --no-pager --verbose --help --version'

# Words after a command: subcommands, or its options.
_stipplectl_words() {
    case $1 in
    '') echo 'status pens sessions sync syncs coverage alerts db monitor help' ;;
    pens) echo 'list show add repair slots remove' ;;
    sessions) echo 'list show export proof' ;;
    alerts) echo 'list acknowledge' ;;
    db) echo 'backup check reparse' ;;
    esac
}

_stipplectl_options() {
    case $1 in
    'pens list') echo '--all --retired' ;;
    'pens add' | 'pens repair') echo '--label= --passkey= --timeout= --allow-unauthenticated --yes' ;;
    'pens slots') echo '--drop= --yes' ;;
    'pens remove') echo '--force --erase --free-slot --yes' ;;
    'sessions list') echo '--pen= --since= --until= --limit= --all --format=' ;;
    'sessions export') echo '--format= --output= --output-dir= --pen= --all --since= --until= --partial' ;;
    'sessions proof') echo '--output-dir=' ;;
    sync) echo '--no-wait --timeout= --record= --since=' ;;
    syncs) echo '--limit=' ;;
    'alerts list') echo '--all' ;;
    monitor) echo '--count=' ;;
    esac
}

# Serial numbers, and sessions, as the daemon knows them; nothing when it does not answer.
_stipplectl_pens() {
    timeout 2 stipplectl pens list --json=short 2> /dev/null | grep -o '"serial":"[^"]*"' | cut -d'"' -f4
}

_stipplectl_sessions() {
    timeout 2 stipplectl sessions list --limit=20 --json=short 2> /dev/null |
        grep -o '"id":"[^"]*"' | cut -d'"' -f4
}

# The values of an option, or of a command's arguments.
_stipplectl_values() {
    case $2 in
    --json) echo 'short pretty' ;;
    --color) echo 'auto always never' ;;
    --format) if [[ $1 = 'sessions list' ]]; then echo 'table csv'; else echo 'csv ndjson'; fi ;;
    --pen) _stipplectl_pens ;;
    --since | --until) echo 'today yesterday' ;;
    '')
        case $1 in
        'pens show' | 'pens repair' | 'pens slots' | 'pens remove' | sync | syncs | coverage) _stipplectl_pens ;;
        'sessions show' | 'sessions export' | 'sessions proof') _stipplectl_sessions ;;
        esac
        ;;
    esac
}

_stipplectl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path='' option='' i
    COMPREPLY=()
    # Bash takes "=" for a word of its own.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -* | =) continue ;;
        esac
        [[ ${COMP_WORDS[i - 1]} = '=' ]] && continue
        if [[ " $(_stipplectl_words "$path") " = *" ${COMP_WORDS[i]} "* ]]; then
            path=${path:+$path }${COMP_WORDS[i]}
        fi
    done
    [[ $path = help* ]] && path=${path#help} path=${path# }
    if [[ $word = '=' ]]; then
        option=$before word=''
    elif [[ $before = '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $before = --* && " $(_stipplectl_options "$path") $_stipplectl_globals " = *" $before= "* ]]; then
        option=$before
    elif [[ $before = -p ]]; then
        option=--pen
    fi
    case $option in
    --output | --output-dir)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2> /dev/null
        return
        ;;
    esac
    if [[ -z $option && $word = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_stipplectl_options "$path") $_stipplectl_globals" -- "$word")
        [[ ${COMPREPLY[*]} = *= ]] && compopt -o nospace 2> /dev/null
        return
    fi
    if [[ -z $option && -n $(_stipplectl_words "$path") ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_stipplectl_words "$path")" -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$(_stipplectl_values "$path" "$option")" -- "$word")
}

complete -F _stipplectl stipplectl
