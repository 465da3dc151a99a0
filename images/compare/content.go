package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// piece is a part of a file whose format is known.
type piece struct {
	name  string
	facts []fact // under the names of kinds, as a header's are
	data  []byte
}

// formats are those that files are looked into by: each returns the pieces of a
// file, or nothing if it is none of its own.
var formats = []func([]byte) []piece{elfPieces, arPieces, gzipPieces, tarPieces}

// nested is how deep archives in archives are looked into: one can hold itself.
const nested = 6

// content tells where two files with other bytes differ: in which pieces, or
// else at which line or byte. They lie that deep in archives.
func content(a, b []byte, depth int) []Difference {
	for _, pieces := range formats {
		if depth > nested {
			break
		}
		from, to := pieces(a), pieces(b)
		if from == nil || to == nil {
			continue
		}
		if found := comparePieces(from, to, depth+1); len(found) > 0 {
			return found
		}
		break // what lies between the pieces
	}
	return []Difference{firstByte(a, b)}
}

func comparePieces(from, to []piece, depth int) []Difference {
	var found []Difference
	for _, a := range from {
		i := slices.IndexFunc(to, a.named)
		if i < 0 {
			found = append(found, Difference{Within: []string{a.name}, Kind: Missing})
			continue
		}
		found = append(found, a.compare(to[i], depth)...)
	}
	for _, b := range to {
		if !slices.ContainsFunc(from, b.named) {
			found = append(found, Difference{Within: []string{b.name}, Kind: Added})
		}
	}
	if found == nil && !slices.EqualFunc(from, to, piece.named) {
		found = append(found, Difference{Kind: Order, Want: pieceNames(from), Have: pieceNames(to)})
	}
	return found
}

func (p piece) named(other piece) bool { return p.name == other.name }

func (p piece) compare(other piece, depth int) []Difference {
	found := unlike(p.facts, other.facts, func(f fact) Difference { return Difference{Kind: Kind(f.name)} })
	if !bytes.Equal(p.data, other.data) {
		found = append(found, content(p.data, other.data, depth)...)
	}
	for i := range found {
		found[i].Within = append([]string{p.name}, found[i].Within...)
	}
	return found
}

func pieceNames(pieces []piece) string {
	var names []string
	for _, p := range pieces {
		names = append(names, p.name)
	}
	return strings.Join(names, " ")
}

// shown is how many bytes of a file a difference shows.
const shown = 100

// firstByte tells the first place where two files differ.
func firstByte(a, b []byte) Difference {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	if isText(a) && isText(b) {
		line := 1 + bytes.Count(a[:at], []byte("\n"))
		return Difference{Within: []string{fmt.Sprintf("line %d", line)}, Kind: Bytes, Want: lineAt(a, at), Have: lineAt(b, at)}
	}
	return Difference{Within: []string{fmt.Sprintf("byte %#x", at)}, Kind: Bytes, Want: bytesAt(a, at), Have: bytesAt(b, at)}
}

func isText(data []byte) bool { return utf8.Valid(data) && !bytes.ContainsRune(data, 0) }

func lineAt(data []byte, at int) string {
	if at >= len(data) {
		return "its end"
	}
	begin := bytes.LastIndexByte(data[:at], '\n') + 1
	line, _, _ := bytes.Cut(data[begin:], []byte("\n"))
	if column := at - begin; column > shown/2 && len(line) > shown {
		return "..." + quoted(line[column-shown/2:])
	}
	return quoted(line)
}

// bytesAt shows the words around a byte if there are any, since they often tell
// what leaked, or else a few bytes.
func bytesAt(data []byte, at int) string {
	if at >= len(data) {
		return "its end"
	}
	begin, end := at, at
	for begin > 0 && at-begin < shown/2 && isPrint(data[begin-1]) {
		begin--
	}
	for end < len(data) && end-at < shown/2 && isPrint(data[end]) {
		end++
	}
	if end > at && end-begin >= 4 {
		return quoted(data[begin:end])
	}
	return fmt.Sprintf("% x", data[at:min(at+8, len(data))])
}

func isPrint(c byte) bool { return c >= ' ' && c <= '~' }

func quoted(text []byte) string {
	if len(text) > shown {
		return strconv.Quote(string(text[:shown])) + "..."
	}
	return strconv.Quote(string(text))
}
