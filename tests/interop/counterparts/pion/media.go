package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc"
)

const (
	packetCount   = 400
	packetsWanted = 300 // those before the first key frame request may fall to the start of the call
	packetPeriod  = 5 * time.Millisecond
	perFrame      = 3 // packets of one frame; the last has the marker
	gapEvery      = 50
	mediaTime     = 20 * time.Second
)

// rtpAt is packet i of the stream: its payload begins as VP8 does and carries i. One sequence number is left out
// before each packet whose index is a multiple of gapEvery: the peer has to keep the gap.
func rtpAt(i int) *rtp.Packet {
	payload := pattern(60+i*37%1000, i)
	payload[0] = 0x10 // VP8 descriptor: start of partition
	binary.BigEndian.PutUint32(payload[1:], uint32(i))
	return &rtp.Packet{
		Header: rtp.Header{
			Version:        2,
			SequenceNumber: uint16(65000 + i + i/gapEvery), // wraps on the way
			Timestamp:      uint32(i / perFrame * 3000),
			Marker:         i%perFrame == perFrame-1,
		},
		Payload: payload,
	}
}

// feedback is what arrived in RTCP about our stream and the returned one.
type feedback struct {
	receiverReports, senderReports, keyFrameRequests atomic.Int32
}

// media sends a made-up VP8 stream and requires the same packets back: payload, marker, order, and the differences
// of sequence numbers and timestamps. RTCP reports arrive, and a key frame request comes back to its sender.
func media(chosen *options) error {
	c, err := newCall(chosen)
	if err != nil {
		return err
	}
	defer c.close()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8,
		ClockRate: 90000}, "video", "video")
	if err != nil {
		return err
	}
	heard := &feedback{}
	result := make(chan error, 1)
	c.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		if remote.Kind() != webrtc.RTPCodecTypeVideo {
			return
		}
		go heard.listen(receiver.ReadRTCP)
		_ = c.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
		result <- compare(remote)
	})
	err = c.connect(true, func() error {
		sender, err := c.pc.AddTrack(track)
		if err == nil {
			go heard.listen(sender.ReadRTCP)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.waitConnected(); err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	go send(track, stop)
	select {
	case err = <-result:
	case <-time.After(mediaTime):
		err = fmt.Errorf("fewer than %d packets back within %s", packetsWanted, mediaTime)
	}
	if err != nil {
		return err
	}
	return heard.waitForAll()
}

func send(track *webrtc.TrackLocalStaticRTP, stop chan struct{}) {
	ticker := time.NewTicker(packetPeriod)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
			_ = track.WriteRTP(rtpAt(i))
		}
	}
}

// compare reads packetsWanted packets and requires each to be the sent one, shifted by one constant for the sequence
// number and one for the timestamp.
func compare(remote *webrtc.TrackRemote) error {
	var sequenceShift uint16
	var timestampShift uint32
	last := -1
	for count := 0; count < packetsWanted; count++ {
		got, _, err := remote.ReadRTP()
		if err != nil {
			return err
		}
		if len(got.Payload) < 5 {
			return fmt.Errorf("packet with a payload of %d bytes", len(got.Payload))
		}
		i := int(binary.BigEndian.Uint32(got.Payload[1:]))
		sent := rtpAt(i)
		if last < 0 {
			sequenceShift = got.SequenceNumber - sent.SequenceNumber
			timestampShift = got.Timestamp - sent.Timestamp
		}
		switch {
		case i <= last:
			return fmt.Errorf("packet %d came after packet %d", i, last)
		case !bytes.Equal(got.Payload, sent.Payload):
			return fmt.Errorf("payload of packet %d is changed", i)
		case got.Marker != sent.Marker:
			return fmt.Errorf("marker of packet %d is %t", i, got.Marker)
		case got.SequenceNumber-sent.SequenceNumber != sequenceShift:
			return fmt.Errorf("sequence number of packet %d is shifted by another amount", i)
		case got.Timestamp-sent.Timestamp != timestampShift:
			return fmt.Errorf("timestamp of packet %d is shifted by another amount", i)
		}
		last = i
	}
	if last > packetCount {
		return fmt.Errorf("%d of %d packets were lost", last+1-packetsWanted, last+1)
	}
	return nil
}

type rtcpReader func() ([]rtcp.Packet, interceptor.Attributes, error)

func (f *feedback) listen(read rtcpReader) {
	for {
		packets, _, err := read()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.ReceiverReport:
				if len(packet.Reports) > 0 {
					f.receiverReports.Add(1)
				}
			case *rtcp.SenderReport:
				f.senderReports.Add(1)
				// A peer that sends reports on what it receives inside of its own sender report.
				if len(packet.Reports) > 0 {
					f.receiverReports.Add(1)
				}
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				f.keyFrameRequests.Add(1)
			}
		}
	}
}

func (f *feedback) waitForAll() error {
	deadline := time.Now().Add(mediaTime / 2)
	for {
		reports, senders, requests := f.receiverReports.Load(), f.senderReports.Load(), f.keyFrameRequests.Load()
		if reports > 0 && senders > 0 && requests > 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("RTCP: %d receiver reports, %d sender reports, %d key frame requests",
				reports, senders, requests)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
