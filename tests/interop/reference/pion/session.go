package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc"
)

const (
	maxMessage     = 1 << 20 // room for the largest message that a test sends
	bufferedHigh   = 4 << 20 // above this the echo waits: a fast sender must not fill our memory
	closeAfterEcho = 200 * time.Millisecond
)

// A session is one peer connection that sends back what it gets.
type session struct {
	id string
	pc *webrtc.PeerConnection
	// echoTracks maps the mid of an m-line to the track that its RTP goes back on.
	echoTracks map[*webrtc.RTPTransceiver]*webrtc.TrackLocalStaticRTP
}

func newSession(offering bool) (*session, error) {
	engine := &webrtc.MediaEngine{}
	if err := registerCodecs(engine, offering); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	settings := webrtc.SettingEngine{}
	settings.DetachDataChannels()
	settings.SetIncludeLoopbackCandidate(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	s := &session{pc: pc, echoTracks: map[*webrtc.RTPTransceiver]*webrtc.TrackLocalStaticRTP{}}
	pc.OnDataChannel(func(channel *webrtc.DataChannel) { s.echo(channel, "") })
	pc.OnTrack(s.onTrack)
	return s, nil
}

// registerCodecs: an offer of ours names one codec a kind, because the echo track needs its codec before the answer.
func registerCodecs(engine *webrtc.MediaEngine, offering bool) error {
	feedback := []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"},
		{Type: "nack", Parameter: "pli"}}
	video := func(mime string, pt webrtc.PayloadType) error {
		return engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: pt,
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000, RTCPFeedback: feedback},
		}, webrtc.RTPCodecTypeVideo)
	}
	if !offering {
		if err := engine.RegisterDefaultCodecs(); err != nil {
			return err
		}
		return video(webrtc.MimeTypeAV1, 45)
	}
	if err := video(webrtc.MimeTypeVP8, 96); err != nil {
		return err
	}
	return engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"},
	}, webrtc.RTPCodecTypeAudio)
}

func (s *session) answer(offer *message) (*webrtc.SessionDescription, error) {
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP}
	if err := s.pc.SetRemoteDescription(description); err != nil {
		return nil, err
	}
	if err := s.addEchoTracks(offer.SDP); err != nil {
		return nil, err
	}
	negotiated := true
	for i := range offer.Channels {
		init := &offer.Channels[i]
		channel, err := s.pc.CreateDataChannel(init.Label,
			&webrtc.DataChannelInit{ID: &init.ID, Negotiated: &negotiated, Ordered: init.Ordered})
		if err != nil {
			return nil, err
		}
		s.echo(channel, "")
	}
	return s.describe(false)
}

func (s *session) accept(answer *message) error {
	return s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.SDP})
}

// describe makes and sets the local description and returns it with all candidates.
func (s *session) describe(offer bool) (*webrtc.SessionDescription, error) {
	gathered := webrtc.GatheringCompletePromise(s.pc)
	create := func() (webrtc.SessionDescription, error) { return s.pc.CreateAnswer(nil) }
	if offer {
		create = func() (webrtc.SessionDescription, error) { return s.pc.CreateOffer(nil) }
	}
	description, err := create()
	if err != nil {
		return nil, err
	}
	if err := s.pc.SetLocalDescription(description); err != nil {
		return nil, err
	}
	<-gathered
	return s.pc.LocalDescription(), nil
}

func (s *session) offerMedia() error {
	for _, capability := range []webrtc.RTPCodecCapability{
		{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
	} {
		if err := s.addEchoTrack(capability); err != nil {
			return err
		}
	}
	return nil
}

// addEchoTracks gives each new sendrecv m-line of the offer a track of its first codec.
func (s *session) addEchoTracks(sdp string) error {
	sections := strings.Split(sdp, "\r\nm=")[1:]
	used := len(s.echoTracks)
	for _, section := range sections {
		if !strings.HasPrefix(section, "audio") && !strings.HasPrefix(section, "video") {
			continue
		}
		if used > 0 {
			used--
			continue
		}
		if err := s.addEchoTrack(firstCodec(section)); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) addEchoTrack(capability webrtc.RTPCodecCapability) error {
	name := fmt.Sprintf("echo%d", len(s.echoTracks))
	track, err := webrtc.NewTrackLocalStaticRTP(capability, name, name)
	if err != nil {
		return err
	}
	sender, err := s.pc.AddTrack(track)
	if err != nil {
		return err
	}
	for _, transceiver := range s.pc.GetTransceivers() {
		if transceiver.Sender() == sender {
			s.echoTracks[transceiver] = track
		}
	}
	return nil
}

// firstCodec reads the codec of the first payload type of an m-section.
func firstCodec(section string) webrtc.RTPCodecCapability {
	lines := strings.Split(section, "\r\n")
	words := strings.Fields(lines[0])
	for _, line := range lines {
		if !strings.HasPrefix(line, "a=rtpmap:"+words[3]+" ") {
			continue
		}
		name := strings.Split(strings.Fields(line)[1], "/")[0]
		if words[0] == "audio" {
			return webrtc.RTPCodecCapability{MimeType: "audio/" + name, ClockRate: 48000, Channels: 2}
		}
		return webrtc.RTPCodecCapability{MimeType: "video/" + name, ClockRate: 90000}
	}
	return webrtc.RTPCodecCapability{}
}

func (s *session) onTrack(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	for transceiver, track := range s.echoTracks {
		if transceiver.Receiver() == receiver {
			go s.forwardKeyFrameRequests(transceiver.Sender(), remote)
			forwardRTP(remote, track)
		}
	}
}

func forwardRTP(remote *webrtc.TrackRemote, track *webrtc.TrackLocalStaticRTP) {
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		packet.Extension = false
		packet.Extensions = nil
		if track.WriteRTP(packet) == io.ErrClosedPipe {
			return
		}
	}
}

func (s *session) forwardKeyFrameRequests(sender *webrtc.RTPSender, remote *webrtc.TrackRemote) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				_ = s.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
			}
		}
	}
}

// echo sends back each message of a channel; a greeting, if any, goes out first.
func (s *session) echo(channel *webrtc.DataChannel, greeting string) {
	channel.OnOpen(func() {
		raw, err := channel.Detach()
		if err != nil {
			return
		}
		if greeting != "" {
			_, _ = raw.WriteDataChannel([]byte(greeting), true)
		}
		low := make(chan struct{}, 1)
		channel.SetBufferedAmountLowThreshold(bufferedHigh / 2)
		channel.OnBufferedAmountLow(func() {
			select {
			case low <- struct{}{}:
			default:
			}
		})
		go func() {
			buffer := make([]byte, maxMessage)
			for {
				size, isString, err := raw.ReadDataChannel(buffer)
				if err != nil {
					_ = channel.Close()
					return
				}
				for channel.BufferedAmount() > bufferedHigh {
					<-low
				}
				if _, err := raw.WriteDataChannel(buffer[:size], isString); err != nil {
					return
				}
				s.serveProtocol(channel, string(buffer[:size]))
			}
		}()
	})
}

// serveProtocol does what the channel's protocol asks for after an echo.
func (s *session) serveProtocol(channel *webrtc.DataChannel, text string) {
	switch channel.Protocol() {
	case "x-echo-open":
		if opened, err := s.pc.CreateDataChannel(text, nil); err == nil {
			s.echo(opened, "")
		}
	case "x-echo-close":
		time.AfterFunc(closeAfterEcho, func() { _ = channel.Close() })
	}
}
