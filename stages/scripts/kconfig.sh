# Makes .config of the files named in fragments and of lines, in this order: the
# last line on a symbol wins, and what none of them names is off. A line that
# does not come through is an error: the program does not know its symbol, or
# that depends on what is off.

# wants prints symbol, value and place for each symbol that the files given name.
wants() {
    awk -v OFS='\t' '
        { symbol = ""; place = FILENAME ":" FNR; sub(/^\/recipe\/|^\/build\//, "", place) }
        /^# CONFIG_[A-Za-z0-9_]+ is not set$/ { symbol = $2; value = "n" }
        /^CONFIG_[A-Za-z0-9_]+=./ { symbol = substr($0, 1, index($0, "=") - 1); value = substr($0, index($0, "=") + 1) }
        symbol != "" { want[symbol] = value; at[symbol] = place; next }
        !/^[ \t]*(#.*)?$/ { print place ": no line of a configuration: " $0 >"/dev/stderr"; bad = 1 }
        END { for (symbol in want) print symbol, want[symbol], at[symbol]; exit bad }' "$@" | sort
}

# missed prints the wants that .config does not fulfil, with the value that it
# has. What is off stands there as such, or not at all.
missed() {
    awk -F'\t' -v OFS='\t' '
        FILENAME == ".config" {
            if (/^CONFIG_/) got[substr($0, 1, index($0, "=") - 1)] = substr($0, index($0, "=") + 1)
            next
        }
        !($1 in got) { got[$1] = "n" }
        got[$1] != $2 { print $0, got[$1] }' .config "$1"
}

# declared prints file and line where the program declares a symbol, if it does.
declared() {
    { grep -rnE --include='Kconfig*' "^[[:space:]]*(menu)?config[[:space:]]+${1#CONFIG_}[[:space:]]*\$" . || true; } |
        sed -n '1s|^\./\([^:]*:[0-9]*\):.*|\1|p'
}

printf '%s\n' "${lines[@]}" >/build/build.config
wants "${fragments[@]}" /build/build.config >/build/wants
awk -F'\t' '{ print $2 == "n" ? "# " $1 " is not set" : $1 "=" $2 }' /build/wants >/build/wanted.config
make "${arguments[@]}" KCONFIG_ALLCONFIG=/build/wanted.config allnoconfig

missed /build/wants >/build/missed
while IFS=$'\t' read -r symbol want place got; do
    at=$(declared "$symbol")
    if [ -n "$at" ]; then
        echo "$place: $symbol=$want came out as $got: $at says on what it depends" >&2
    else
        echo "$place: $symbol=$want: $NAME $VERSION knows no such symbol" >&2
    fi
done </build/missed
[ ! -s /build/missed ] || exit 1
