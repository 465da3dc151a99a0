package main

import (
	"embed"
	"fmt"
	"strings"
)

// texts are the long texts of --help: a file a verb, named after it.
//
//go:embed help/*.txt
var texts embed.FS

// longHelp returns the text of a verb. One that is missing is found at once, for every
// run makes all verbs.
func longHelp(verb string) string {
	text, err := texts.ReadFile("help/" + verb + ".txt")
	if err != nil {
		panic(fmt.Sprintf("internal error: %v", err))
	}
	return strings.TrimSuffix(string(text), "\n")
}
