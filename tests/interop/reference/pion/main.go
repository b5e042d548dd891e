// The reference echo peer: ECHO.md's POST /offer on top of pion, so that a test that fails against
// our own echo peer and passes against this one has found a fault of ours.
//
//	reference -port 0           serves HTTP and prints its URL
//	reference -offerer [-media] makes the offer itself, over standard input and output
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/pion/webrtc"
)

type message struct {
	Type     string           `json:"type"`
	SDP      string           `json:"sdp"`
	ID       string           `json:"id,omitempty"`
	Channels []negotiatedInit `json:"channels,omitempty"`
}

type negotiatedInit struct {
	ID      uint16 `json:"id"`
	Label   string `json:"label"`
	Ordered *bool  `json:"ordered"`
}

type server struct {
	mutex    sync.Mutex
	sessions map[string]*session
}

func main() {
	port := flag.Int("port", 0, "HTTP port, 0 for any free one")
	offerer := flag.Bool("offerer", false, "make the offer, as JSON lines on standard output")
	media := flag.Bool("media", false, "with -offerer: offer audio and video too")
	flag.Parse()

	var err error
	if *offerer {
		err = offer(*media)
	} else {
		err = serve(*port)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func serve(port int) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	s := &server{sessions: map[string]*session{}}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>reference</title>")
	})
	http.HandleFunc("/offer", s.handleOffer)
	fmt.Printf("http://%s/\n", listener.Addr())
	return http.Serve(listener, nil)
}

func (s *server) handleOffer(w http.ResponseWriter, r *http.Request) {
	var offer message
	if err := json.NewDecoder(io.LimitReader(r.Body, 320<<10)).Decode(&offer); err != nil || offer.Type != "offer" {
		http.Error(w, "not an offer", http.StatusBadRequest)
		return
	}
	peer, status := s.find(offer.ID)
	if peer == nil {
		http.Error(w, "no such session", status)
		return
	}
	offer.SDP = unify(offer.SDP)
	answer, err := peer.answer(&offer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(message{Type: "answer", SDP: amend(answer.SDP), ID: peer.id})
}

// find returns the session of a re-offer, or a new one for an offer without id.
func (s *server) find(id string) (*session, int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if id != "" {
		return s.sessions[id], http.StatusNotFound
	}
	peer, err := newSession(false)
	if err != nil {
		return nil, http.StatusInternalServerError
	}
	peer.id = strconv.Itoa(len(s.sessions) + 1)
	s.sessions[peer.id] = peer
	return peer, 0
}

// amend adds the message size that pion leaves out (without it browsers keep to 64 KiB), and takes rejected m-lines
// out of the BUNDLE group, where pion leaves them and browsers refuse the answer for it.
func amend(sdp string) string {
	sdp = strings.Replace(sdp, "a=sctp-port:5000\r\n", "a=sctp-port:5000\r\na=max-message-size:262144\r\n", 1)
	for _, section := range strings.Split(sdp, "\r\nm=")[1:] {
		if strings.Fields(section)[1] != "0" {
			continue
		}
		_, mid, _ := strings.Cut(section, "a=mid:")
		mid, _, _ = strings.Cut(mid, "\r\n")
		group := regexp.MustCompile(`(a=group:BUNDLE[^\r]*) ` + regexp.QuoteMeta(mid) + `\b`)
		sdp = group.ReplaceAllString(sdp, "$1")
	}
	return sdp
}

// unify gives all m-lines of an offer the credentials of the first, which is the BUNDLE tagged one: pion refuses
// offers, such as aiortc's, that have others for the lines to be bundled.
func unify(sdp string) string {
	for _, name := range []string{"ice-ufrag", "ice-pwd"} {
		line := regexp.MustCompile("a=" + name + ":[^\\r]*")
		if first := line.FindString(sdp); first != "" {
			sdp = line.ReplaceAllLiteralString(sdp, first)
		}
	}
	return sdp
}

// offer plays the offering side until standard input ends.
func offer(media bool) error {
	peer, err := newSession(true)
	if err != nil {
		return err
	}
	if media {
		if err := peer.offerMedia(); err != nil {
			return err
		}
	}
	channel, err := peer.pc.CreateDataChannel("offerer", nil)
	if err != nil {
		return err
	}
	peer.echo(channel, "hello")
	description, err := peer.describe(true)
	if err != nil {
		return err
	}
	print := json.NewEncoder(os.Stdout)
	_ = print.Encode(message{Type: "offer", SDP: amend(description.SDP)})
	peer.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		_ = print.Encode(map[string]string{"event": state.String()})
	})
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return peer.pc.Close()
		}
		var answer message
		if err := json.Unmarshal(line, &answer); err != nil {
			return err
		}
		if err := peer.accept(&answer); err != nil {
			return err
		}
	}
}
