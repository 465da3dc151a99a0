package leaks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	pycHeader    = 16
)

// archiveTime tells the first member of a static library that bears a time.
func archiveTime(content []byte) string {
	rest, ok := bytes.CutPrefix(content, []byte(arMagic))
	for ok && len(rest) >= arHeaderSize {
		field := func(from, to int) string { return strings.TrimRight(string(rest[from:to]), " ") }
		size, err := strconv.Atoi(field(48, 58))
		if err != nil || size < 0 || size > len(rest)-arHeaderSize {
			return ""
		}
		if modified := field(16, 28); modified != "0" && modified != "" {
			return fmt.Sprintf("member %s of the library: %s", strings.TrimSuffix(field(0, 16), "/"), seconds(modified))
		}
		rest = rest[min(len(rest), arHeaderSize+size+size%2):]
	}
	return ""
}

// pycTime tells the time of the source that compiled Python bears, unless it
// goes by the source's hash.
func pycTime(content []byte) string {
	if len(content) < pycHeader {
		return ""
	}
	flags, modified := binary.LittleEndian.Uint32(content[4:]), binary.LittleEndian.Uint32(content[8:])
	if flags != 0 {
		return ""
	}
	return "compiled Python: " + seconds(strconv.FormatUint(uint64(modified), 10))
}

func seconds(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return time.Unix(n, 0).UTC().Format(time.RFC3339)
}
