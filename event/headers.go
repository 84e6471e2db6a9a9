package event

import (
	"strings"
	"unicode/utf8"
)

// headers are the attributes of a message in binary mode.
type headers [firstPayload][]byte

// readHeaders says whether a message is in binary mode, and remembers its
// attributes if it is. A content type of CloudEvents (application/cloudevents+json)
// says that the whole event is in the value, whatever else the headers carry.
// Tracing libraries add ce_ headers of their own to any message: only those that
// every event has count.
func (d *Decoder) readHeaders(list []Header) bool {
	if len(list) == 0 {
		return false
	}
	d.headers = headers{}
	binary := false
	for _, h := range list {
		if strings.EqualFold(h.Key, "content-type") {
			if isCloudEvents(h.Value) {
				return false
			}
			continue
		}
		name, ok := strings.CutPrefix(h.Key, "ce_")
		if !ok {
			continue
		}
		f, ok := headerField(name)
		if !ok {
			continue
		}
		d.headers[f] = h.Value
		binary = binary || f != attrSubject && f != attrTime
	}
	return binary
}

func isCloudEvents(contentType []byte) bool {
	const prefix = "application/cloudevents"
	return len(contentType) >= len(prefix) && strings.EqualFold(string(contentType[:len(prefix)]), prefix)
}

func headerField(name string) (field, bool) {
	switch name {
	case "specversion":
		return attrSpecVersion, true
	case "id":
		return attrID, true
	case "source":
		return attrSource, true
	case "type":
		return attrType, true
	case "subject":
		return attrSubject, true
	case "time":
		return attrTime, true
	}
	return 0, false
}

// headerText is the text of an attribute in binary mode, nil where it is absent
// or refused.
func (d *Decoder) headerText(f field) []byte {
	value := d.headers[f]
	switch {
	case !utf8.Valid(value):
		d.refuse(NotUTF8)
	case len(value) > maxText:
		d.refuse(TooLong)
	default:
		return value
	}
	return nil
}
