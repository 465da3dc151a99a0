package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // of what the page is made of
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

//go:embed page.css
var styleText string

//go:embed page.js
var scriptText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Write writes the page as one HTML file. It loads nothing and runs no script but its
// own: whatever names an image holds, they are text.
func (p Page) Write(w io.Writer) error {
	v := p.view()
	style := styleText + v.Graph.style()
	v.Style, v.Script = template.CSS(style), template.JS(scriptText)
	v.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(style), hash(scriptText))
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, v); err != nil {
		return fmt.Errorf("drawing the page of %s: %w", p.Target, err)
	}
	// Names come from anywhere, and nothing of the page itself is hidden but its lines.
	_, err := io.WriteString(w, show(page.String(), "\n\t"))
	return err
}

// hash names a style or a script that a browser may take.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
