package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// span writes seconds as the command does.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return d.Round(time.Second).String()
}

// weight writes a size as the command does.
func weight(n int64) string {
	if n < 1<<20/20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// day writes a time for a person anywhere.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// during writes when something began and ended.
func during(from, to time.Time) string {
	if day(from) == day(to) {
		return day(from)
	}
	if from.UTC().YearDay() == to.UTC().YearDay() && from.UTC().Year() == to.UTC().Year() {
		return from.UTC().Format("2006-01-02 15:04") + " to " + to.UTC().Format("15:04 UTC")
	}
	return from.UTC().Format("2006-01-02 15:04") + " to " + day(to)
}

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// plain shows what would not be seen in a text from elsewhere, or would turn it around.
func plain(s string) string { return show(s, "") }

// show writes hidden characters as Go does, but for those to be left alone.
func show(s, but string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if hidden(r) && !strings.ContainsRune(but, r) {
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// percent writes a part of a whole as SVG takes it.
func percent(part, whole float64) string {
	if whole <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(part/whole*100, 'f', 3, 64) + "%"
}

// number writes a coordinate.
func number(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
