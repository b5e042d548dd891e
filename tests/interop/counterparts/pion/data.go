package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/pion/webrtc"
)

const (
	messageTime  = 10 * time.Second
	bufferedHigh = 1 << 20
)

// A channel is a data channel whose messages can be waited for.
type channel struct {
	raw      *webrtc.DataChannel
	open     chan struct{}
	messages chan webrtc.DataChannelMessage
}

func newChannel(raw *webrtc.DataChannel) *channel {
	c := &channel{raw: raw, open: make(chan struct{}), messages: make(chan webrtc.DataChannelMessage, 4096)}
	raw.OnOpen(func() { close(c.open) })
	raw.OnMessage(func(message webrtc.DataChannelMessage) { c.messages <- message })
	return c
}

func (c *channel) opened() error {
	select {
	case <-c.open:
		return nil
	case <-time.After(connectTime):
		return fmt.Errorf("channel '%s' not open within %s", c.raw.Label(), connectTime)
	}
}

func (c *channel) next() (webrtc.DataChannelMessage, error) {
	select {
	case message := <-c.messages:
		return message, nil
	case <-time.After(messageTime):
		return webrtc.DataChannelMessage{}, fmt.Errorf("no message on '%s' within %s", c.raw.Label(), messageTime)
	}
}

func (c *channel) send(data []byte, isString bool) error {
	if isString {
		return c.raw.SendText(string(data))
	}
	return c.raw.Send(data)
}

// roundTrip sends a message and requires it back: same type, same bytes.
func (c *channel) roundTrip(data []byte, isString bool) error {
	if err := c.send(data, isString); err != nil {
		return err
	}
	echoed, err := c.next()
	if err != nil {
		return err
	}
	if echoed.IsString != isString || !bytes.Equal(echoed.Data, data) {
		return fmt.Errorf("message of %d bytes (string: %t) came back with %d (string: %t) or changed",
			len(data), isString, len(echoed.Data), echoed.IsString)
	}
	return nil
}

// withChannel gives body an open channel of a new call.
func withChannel(chosen *options, init *webrtc.DataChannelInit, body func(*call, *channel) error) error {
	c, err := newCall(chosen)
	if err != nil {
		return err
	}
	defer c.close()
	var made *channel
	err = c.connect(false, func() error {
		raw, err := c.pc.CreateDataChannel("echo", init)
		if err == nil {
			made = newChannel(raw)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := made.opened(); err != nil {
		return err
	}
	return body(c, made)
}

func roundTrips(chosen *options, isString bool, messages ...[]byte) error {
	return withChannel(chosen, nil, func(_ *call, made *channel) error {
		for _, message := range messages {
			if err := made.roundTrip(message, isString); err != nil {
				return err
			}
		}
		return nil
	})
}

func pattern(size, seed int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i*31 + i>>8 + seed)
	}
	return data
}

func stringMessages(chosen *options) error {
	return roundTrips(chosen, true, []byte("hello"), []byte("x"), []byte("příliš žluťoučký 🐦"),
		[]byte(strings.Repeat("a", 1200)), []byte(strings.Repeat("b", 16384)))
}

func binaryMessages(chosen *options) error {
	var messages [][]byte
	for _, size := range []int{1, 2, 3, 4, 5, 1155, 1156, 1157, 1200, 16384} {
		messages = append(messages, pattern(size, size))
	}
	return roundTrips(chosen, false, messages...)
}

func emptyMessages(chosen *options) error {
	return withChannel(chosen, nil, func(_ *call, made *channel) error {
		if err := made.roundTrip([]byte{}, true); err != nil {
			return err
		}
		if err := made.roundTrip([]byte{}, false); err != nil {
			return err
		}
		return made.roundTrip([]byte("after the empty ones"), true)
	})
}

// largeMessages: pion reads at most 65,535 bytes in one piece.
func largeMessages(chosen *options) error {
	return roundTrips(chosen, false, pattern(65535, 1), pattern(65535, 2))
}

// bulk sends 8 MiB without waiting for echoes, but never with more than bufferedHigh in the queue.
func bulk(chosen *options) error {
	const count, size = 512, 16384
	return withChannel(chosen, nil, func(_ *call, made *channel) error {
		low := make(chan struct{}, 1)
		made.raw.SetBufferedAmountLowThreshold(bufferedHigh / 2)
		made.raw.OnBufferedAmountLow(func() {
			select {
			case low <- struct{}{}:
			default:
			}
		})
		for i := 0; i < count; i++ {
			if made.raw.BufferedAmount() > bufferedHigh {
				<-low
			}
			if err := made.send(pattern(size, i), false); err != nil {
				return err
			}
		}
		for i := 0; i < count; i++ {
			echoed, err := made.next()
			if err != nil {
				return fmt.Errorf("after %d of %d: %w", i, count, err)
			}
			if !bytes.Equal(echoed.Data, pattern(size, i)) {
				return fmt.Errorf("message %d came back changed or out of order", i)
			}
		}
		return nil
	})
}

// unreliable: nothing is lost on loopback, but nothing promises that. Each message comes at most once.
func unreliable(chosen *options) error {
	const count, wanted = 100, 95
	ordered, retransmits := false, uint16(0)
	init := &webrtc.DataChannelInit{Ordered: &ordered, MaxRetransmits: &retransmits}
	return withChannel(chosen, init, func(_ *call, made *channel) error {
		seen := map[string]bool{}
		for i := 0; i < count; i++ {
			if err := made.send([]byte(fmt.Sprintf("datagram %d", i)), true); err != nil {
				return err
			}
		}
		for len(seen) < wanted {
			echoed, err := made.next()
			if err != nil {
				return fmt.Errorf("%d of %d messages: %w", len(seen), count, err)
			}
			text := string(echoed.Data)
			if seen[text] || !strings.HasPrefix(text, "datagram ") {
				return fmt.Errorf("'%s' came twice or was never sent", text)
			}
			seen[text] = true
		}
		return nil
	})
}

// offeredChannel: the peer that offers opens a channel and greets; what we answer comes back.
func offeredChannel(chosen *options) error {
	c, err := newCall(chosen)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.connect(false, func() error { return nil }); err != nil {
		return err
	}
	select {
	case offered := <-c.incoming:
		greeting, err := offered.next()
		if err != nil || string(greeting.Data) != "hello" {
			return fmt.Errorf("the greeting is '%s' (%v)", greeting.Data, err)
		}
		return offered.roundTrip([]byte("thank you"), true)
	case <-time.After(connectTime):
		return fmt.Errorf("no channel of the peer within %s", connectTime)
	}
}
