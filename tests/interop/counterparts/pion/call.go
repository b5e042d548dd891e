package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc"
)

const connectTime = 15 * time.Second

type description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
	Key  string `json:"key,omitempty"`
}

// A call is one peer connection to the peer under test.
type call struct {
	options   *options
	pc        *webrtc.PeerConnection
	connected chan struct{}
	incoming  chan *channel
	key       string
}

func newCall(chosen *options) (*call, error) {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	c := &call{options: chosen, pc: pc, connected: make(chan struct{}), incoming: make(chan *channel, 8)}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(c.connected)
		}
	})
	pc.OnDataChannel(func(raw *webrtc.DataChannel) { c.incoming <- newChannel(raw) })
	return c, nil
}

// connect lets prepare add channels and tracks (before our offer, or after the peer's) and signals.
func (c *call) connect(media bool, prepare func() error) error {
	if c.options.direction == "answer" {
		return c.acceptOffer(media, prepare)
	}
	if err := prepare(); err != nil {
		return err
	}
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	local, err := c.gather(offer)
	if err != nil {
		return err
	}
	var answer description
	if err := c.post("/offer", local, &answer); err != nil {
		return err
	}
	return c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP})
}

func (c *call) acceptOffer(media bool, prepare func() error) error {
	path := "/offerer"
	if media {
		path += "?media=1"
	}
	var offer description
	if err := c.post(path, &description{}, &offer); err != nil {
		return err
	}
	c.key = offer.Key
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP}
	if err := c.pc.SetRemoteDescription(remote); err != nil {
		return err
	}
	if err := prepare(); err != nil {
		return err
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	local, err := c.gather(answer)
	if err != nil {
		return err
	}
	return c.post("/offerer/"+c.key, local, &description{})
}

// gather sets the local description and returns it with all candidates.
func (c *call) gather(local webrtc.SessionDescription) (*description, error) {
	complete := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(local); err != nil {
		return nil, err
	}
	<-complete
	return &description{Type: local.Type.String(), SDP: c.pc.LocalDescription().SDP}, nil
}

func (c *call) post(path string, body, reply *description) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	response, err := http.Post(c.options.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s %s", path, response.Status, strings.TrimSpace(string(text)))
	}
	return json.Unmarshal(text, reply)
}

func (c *call) waitConnected() error {
	select {
	case <-c.connected:
		return nil
	case <-time.After(connectTime):
		return fmt.Errorf("not connected within %s (%s)", connectTime, c.pc.ConnectionState())
	}
}

func (c *call) close() {
	_ = c.pc.Close()
	if c.key == "" {
		return
	}
	request, err := http.NewRequest(http.MethodDelete, c.options.url+"/offerer/"+c.key, nil)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}
