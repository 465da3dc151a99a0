FNR == NR && $1 ~ /^(menu)?config$/ { symbol = $2; order[++count] = symbol }
FNR == NR && $1 == "depends" { needs[symbol] = $3 }
FNR == NR { next }
/^CONFIG_/ { i = index($0, "="); want[substr($0, 8, i - 8)] = substr($0, i + 1) }
END {
    for (i = 1; i <= count; i++) {
        s = order[i]
        on[s] = s in want && (!(s in needs) || on[needs[s]])
        print on[s] ? "CONFIG_" s "=" want[s] : "# CONFIG_" s " is not set"
    }
}
