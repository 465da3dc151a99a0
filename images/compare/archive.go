package compare

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"time"
)

// gzipPieces are the header of a gzip file and what it holds.
func gzipPieces(data []byte) []piece {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(r, looked))
	if err != nil {
		return nil
	}
	modified := "none"
	if !r.ModTime.IsZero() {
		modified = r.ModTime.UTC().Format(time.RFC3339)
	}
	return []piece{
		{name: "gzip header", facts: []fact{
			{string(Time), modified},
			{"name", r.Name},
			{"comment", r.Comment},
		}},
		{name: "gzip", data: content},
	}
}

const tarMagic, tarMagicAt = "ustar", 257

// tarPieces are the members of a tar.
func tarPieces(data []byte) []piece {
	if len(data) < tarMagicAt || !bytes.HasPrefix(data[tarMagicAt:], []byte(tarMagic)) {
		return nil
	}
	var pieces []piece
	seen := map[string]int{}
	for in := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return pieces
		}
		if err != nil {
			return nil
		}
		p := piece{name: "member " + path.Clean(h.Name), facts: factsOf(h)}
		if seen[p.name]++; seen[p.name] > 1 {
			p.name += fmt.Sprintf(" (%d)", seen[p.name])
		}
		p.facts = append(p.facts, fact{string(Owner) + " name", h.Uname + ":" + h.Gname})
		if p.data, err = io.ReadAll(in); err != nil {
			return nil
		}
		pieces = append(pieces, p)
	}
}
