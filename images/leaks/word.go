package leaks

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// word is a text that leaked where it stands by itself.
type word struct {
	kind Kind
	text string
	path bool // it is the beginning of a path
}

// ofBase are paths of Debian that no root has, and what versions of its
// programs say of themselves.
var ofBase = []word{
	{Base, "/usr/lib/x86_64-linux-gnu", true},
	{Base, "/lib/x86_64-linux-gnu", true},
	{Base, "/usr/include/x86_64-linux-gnu", true},
	{Base, "/usr/lib/gcc/", true},
	{Base, "GCC: (Debian", false},
	{Base, "gcc (Debian", false},
	{Base, "(GNU Binutils for Debian)", false},
}

func (s Surroundings) words() []word {
	var words []word
	for _, dir := range s.Dirs {
		words = append(words, word{BuildPath, strings.TrimSuffix(dir, "/") + "/", true})
	}
	words = append(words, ofBase...)
	if len(s.Host) > 3 && strings.ContainsAny(s.Host, "-.0123456789") {
		words = append(words, word{Host, s.Host, false})
	}
	if strings.Count(s.Kernel, ".") > 1 {
		words = append(words, word{Kernel, s.Kernel, false})
	}
	if s.Now.IsZero() {
		return words
	}
	// The build may have begun before midnight, here or in UTC.
	for _, day := range []time.Time{s.Now, s.Now.UTC(), s.Now.UTC().AddDate(0, 0, -1)} {
		if day.Format(time.DateOnly) == s.Epoch.UTC().Format(time.DateOnly) {
			continue
		}
		// As the compiler, people, the mail and ISO 8601 write it.
		for _, form := range []string{"Jan _2 2006", "Jan 2 2006", "2 Jan 2006", "02 Jan 2006", time.DateOnly, "20060102"} {
			words = append(words, word{Date, day.Format(form), false})
		}
	}
	return words
}

// find returns where the word stands by itself, or -1.
func (w word) find(content []byte) int {
	for from := 0; ; {
		i := bytes.Index(content[from:], []byte(w.text))
		if i < 0 {
			return -1
		}
		at := from + i
		if w.alone(content, at) {
			return at
		}
		from = at + 1
	}
}

// alone reports whether the word at a place is not part of a longer one.
func (w word) alone(content []byte, at int) bool {
	before, after := content[:at], content[at+len(w.text):]
	if w.path {
		return beginsPath(before)
	}
	longer := isWord
	if w.kind == Date { // 2026-11-23T12:00:00
		longer = isDigit
	}
	return (len(before) == 0 || !longer(before[len(before)-1])) && (len(after) == 0 || !longer(after[0]))
}

// beginsPath reports whether a path can begin after a text, as it can in
// -I/build/src and not in $HOME/build/src.
func beginsPath(before []byte) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	if len(before) > 1 && before[len(before)-2] == '-' && strings.IndexByte("BILR", last) >= 0 {
		return true
	}
	return !isWord(last) && strings.IndexByte("/.-+$})>", last) < 0
}

func isWord(c byte) bool {
	return c == '_' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// shown is how much is told of the text around a leak.
const shown = 60

// around quotes a word with the text that it stands in.
func around(content []byte, at, size int) string {
	begin, end := at, at+size
	for begin > 0 && at-begin < shown/2 && isPrint(content[begin-1]) {
		begin--
	}
	for end < len(content) && end-at < shown && isPrint(content[end]) {
		end++
	}
	return strconv.Quote(string(content[begin:end]))
}

func isPrint(c byte) bool { return c >= ' ' && c <= '~' }
