// pion against the echo peer, in both directions: data channels, and RTP packets compared byte for byte.
//
//	pion -url URL -direction offer|answer -case NAME
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

var cases = map[string]func(*options) error{
	"strings":         stringMessages,
	"binary":          binaryMessages,
	"empty":           emptyMessages,
	"large":           largeMessages,
	"bulk":            bulk,
	"unreliable":      unreliable,
	"offered-channel": offeredChannel,
	"media":           media,
}

type options struct {
	url       string
	direction string
}

func main() {
	var chosen options
	flag.StringVar(&chosen.url, "url", "", "the echo peer, or the relay in front of an offerer")
	flag.StringVar(&chosen.direction, "direction", "offer", "offer or answer")
	name := flag.String("case", "", "which case")
	flag.Parse()
	chosen.url = strings.TrimSuffix(chosen.url, "/")

	body := cases[*name]
	if body == nil {
		fmt.Fprintf(os.Stderr, "there is no case '%s'\n", *name)
		os.Exit(2)
	}
	if err := body(&chosen); err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}
