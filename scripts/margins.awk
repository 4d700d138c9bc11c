#!/usr/bin/awk -f
# Sums up what tests of learning measured: name, value, relation, bound, seed, level, precision, with tabs between them.
BEGIN { FS = "\t"; OFS = "\t" }
{
    margin = $3 == ">" ? $2 - $4 : $4 - $2
    count[$1]++
    if (margin <= 0) broken[$1]++
    if (!($1 in worst) || margin < worst[$1]) {
        worst[$1] = margin
        line[$1] = sprintf("%.4f\t%s %s\t%s, %s, seed %s", $2, $3, $4, $6, $7, $5)
    }
}
END {
    for (name in count) {
        split(line[name], parts, "\t")
        print count[name], broken[name] + 0, parts[1], parts[2], name, parts[3]
    }
}
