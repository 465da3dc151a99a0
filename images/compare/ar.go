package compare

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
)

// arPieces are the members of a static library. GNU's ar keeps long names in a
// member of their own, "//".
func arPieces(data []byte) []piece {
	rest, ok := bytes.CutPrefix(data, []byte(arMagic))
	if !ok {
		return nil
	}
	var pieces []piece
	var longNames []byte
	seen := map[string]int{}
	for len(rest) >= arHeaderSize {
		header := rest[:arHeaderSize]
		size, err := strconv.Atoi(field(header[48:58]))
		if err != nil || size < 0 || size > len(rest)-arHeaderSize {
			return nil
		}
		content := rest[arHeaderSize : arHeaderSize+size]
		name := arName(field(header[:16]), longNames)
		if name == "//" {
			longNames = content
		}
		if seen[name]++; seen[name] > 1 {
			name += fmt.Sprintf(" (%d)", seen[name])
		}
		pieces = append(pieces, piece{name: "member " + name, facts: arFacts(header), data: content})
		rest = rest[min(len(rest), arHeaderSize+size+size%2):]
	}
	return pieces
}

func arFacts(header []byte) []fact {
	modified := field(header[16:28])
	if seconds, err := strconv.ParseInt(modified, 10, 64); err == nil {
		modified = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	return []fact{
		{string(Time), modified},
		{string(Owner), field(header[28:34]) + ":" + field(header[34:40])},
		{string(Mode), field(header[40:48])},
	}
}

func arName(name string, longNames []byte) string {
	if offset, err := strconv.Atoi(strings.TrimPrefix(name, "/")); err == nil && strings.HasPrefix(name, "/") && offset >= 0 && offset < len(longNames) {
		long, _, _ := strings.Cut(string(longNames[offset:]), "\n")
		return strings.TrimSuffix(long, "/")
	}
	if name == "/" {
		return "/ (symbols)"
	}
	if name == "//" {
		return name
	}
	return strings.TrimSuffix(name, "/")
}

func field(b []byte) string { return strings.TrimRight(string(b), " ") }
