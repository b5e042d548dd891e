// pion as one end of a call: ../README.md lists the orders and the events.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pion/webrtc"
)

type object map[string]interface{}

type order struct {
	Do         string
	Text       string
	IceServers []struct{ Urls, Username, Credential string }
	Signal     *struct {
		Type, Sdp     string
		Candidate     string
		SdpMid        *string
		SdpMLineIndex *uint16
	}
}

var printing sync.Mutex

func say(event object) {
	event["t"] = float64(time.Now().UnixMicro()) / 1000
	text, _ := json.Marshal(event)
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(text))
}

type peer struct {
	pc      *webrtc.PeerConnection
	channel *webrtc.DataChannel
}

func (p *peer) start(o *order) error {
	configuration := webrtc.Configuration{}
	for _, server := range o.IceServers {
		entry := webrtc.ICEServer{URLs: []string{server.Urls}}
		if server.Username != "" {
			entry.Username, entry.Credential = server.Username, server.Credential
		}
		configuration.ICEServers = append(configuration.ICEServers, entry)
	}
	pc, err := webrtc.NewPeerConnection(configuration)
	if err != nil {
		return err
	}
	p.pc = pc
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			return
		}
		text := candidate.ToJSON()
		say(object{"signal": object{"candidate": text.Candidate, "sdpMid": text.SDPMid, "sdpMLineIndex": text.SDPMLineIndex}})
	})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		say(object{"event": "connection", "state": state.String()})
	})
	pc.OnDataChannel(p.useChannel)
	say(object{"event": "started"})
	return nil
}

func (p *peer) useChannel(channel *webrtc.DataChannel) {
	p.channel = channel
	channel.OnOpen(func() { say(object{"event": "open", "label": channel.Label()}) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		say(object{"event": "message", "text": string(message.Data)})
	})
}

// Candidates come by OnICECandidate from SetLocalDescription on: the description has to be printed first.
func (p *peer) describe(description webrtc.SessionDescription, err error) error {
	if err != nil {
		return err
	}
	say(object{"signal": object{"type": description.Type.String(), "sdp": description.SDP}})
	return p.pc.SetLocalDescription(description)
}

func (p *peer) offer() error {
	say(object{"event": "offering"})
	if p.channel == nil {
		channel, err := p.pc.CreateDataChannel("data", nil)
		if err != nil {
			return err
		}
		p.useChannel(channel)
	}
	return p.describe(p.pc.CreateOffer(nil))
}

func (p *peer) takeSignal(o *order) error {
	s := o.Signal
	if s.Type == "" {
		candidate := webrtc.ICECandidateInit{Candidate: s.Candidate, SDPMid: s.SdpMid, SDPMLineIndex: s.SdpMLineIndex}
		return p.pc.AddICECandidate(candidate)
	}
	remote := webrtc.SessionDescription{Type: webrtc.NewSDPType(s.Type), SDP: s.Sdp}
	if err := p.pc.SetRemoteDescription(remote); err != nil {
		return err
	}
	if s.Type == "offer" {
		return p.describe(p.pc.CreateAnswer(nil))
	}
	return nil
}

func (p *peer) close() error {
	err := p.pc.Close()
	p.pc, p.channel = nil, nil
	say(object{"event": "closed"})
	return err
}

func (p *peer) obey(o *order) error {
	switch {
	case o.Signal != nil:
		return p.takeSignal(o)
	case o.Do == "start":
		return p.start(o)
	case o.Do == "offer":
		return p.offer()
	case o.Do == "send":
		return p.channel.SendText(o.Text)
	case o.Do == "close":
		return p.close()
	case o.Do == "stats":
		say(object{"event": "stats", "stats": object{}})
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	p := &peer{}
	say(object{"event": "ready"})
	for lines.Scan() {
		o := &order{}
		err := json.Unmarshal(lines.Bytes(), o)
		if err == nil {
			err = p.obey(o)
		}
		if err != nil {
			say(object{"event": "problem", "what": o.Do, "error": err.Error()})
		}
	}
}
