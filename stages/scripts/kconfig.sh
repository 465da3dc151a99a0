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
        END { for (symbol in want) print symbol, want[symbol], at[symbol]; exit bad }' "$@" | sort -t $'\t' -k 3V
}

# declared prints each symbol of the program, with its place.
declared() {
    grep -rnE --include='Kconfig*' --exclude-dir=tests '^[[:space:]]*(menu)?config[[:space:]]+[A-Za-z0-9_]+' . |
        sed -E 's|^\./([^:]*:[0-9]+):[[:space:]]*(menu)?config[[:space:]]+([A-Za-z0-9_]+).*|CONFIG_\3\t\1|'
}

# missed prints which wants .config does not fulfil, and fails if there are any.
# What is off stands in .config as such, or not at all.
missed() {
    awk -F '\t' -v program="$NAME $VERSION" '
        FILENAME == ARGV[1] { if (!($1 in at)) at[$1] = $2; next }
        FILENAME == ARGV[2] { if (/^CONFIG_/) got[substr($0, 1, index($0, "=") - 1)] = substr($0, index($0, "=") + 1); next }
        !($1 in at) { print $3 ": " $1 "=" $2 ": " program " knows no such symbol"; bad = 1; next }
        !($1 in got) { got[$1] = "n" }
        got[$1] != $2 { print $3 ": " $1 "=" $2 " came out as " got[$1] ": " at[$1] " says on what it depends"; bad = 1 }
        END { exit bad }' "$@"
}

printf '%s\n' "${lines[@]}" >/build/build.config
wants "${fragments[@]}" /build/build.config >/build/wants
declared >/build/declared
awk -F '\t' '{ print $2 == "n" ? "# " $1 " is not set" : $1 "=" $2 }' /build/wants >/build/wanted.config
make "${arguments[@]}" KCONFIG_ALLCONFIG=/build/wanted.config allnoconfig
missed /build/declared .config /build/wants >&2
