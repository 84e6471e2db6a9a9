package event

const (
	secondsPerDay = 86_400
	// Both are outside what RFC 3339 can write in UTC, whose years have four digits.
	minMillis = -62_167_219_200_000 // 0000-01-01T00:00:00Z
	maxMillis = 253_402_300_799_999 // 9999-12-31T23:59:59.999Z
)

// ParseTime reads an RFC 3339 time with any offset and any number of decimals
// as Unix milliseconds, rounded down. False for anything else: a date alone, a
// time without an offset, the 30th of February, a leap second (:60, which the
// time package refuses as well), an instant outside the years 0 to 9999 of UTC.
func ParseTime(text []byte) (millis int64, ok bool) {
	if len(text) < len("2006-01-02T15:04:05Z") {
		return 0, false
	}
	if text[4] != '-' || text[7] != '-' || text[10]|0x20 != 't' || text[13] != ':' || text[16] != ':' {
		return 0, false
	}
	century, ok0 := twoDigitNumber(text[0], text[1])
	yearOfCentury, ok1 := twoDigitNumber(text[2], text[3])
	month, ok2 := twoDigitNumber(text[5], text[6])
	day, ok3 := twoDigitNumber(text[8], text[9])
	hour, ok4 := twoDigitNumber(text[11], text[12])
	minute, ok5 := twoDigitNumber(text[14], text[15])
	second, ok6 := twoDigitNumber(text[17], text[18])
	if !(ok0 && ok1 && ok2 && ok3 && ok4 && ok5 && ok6) {
		return 0, false
	}
	year := century*100 + yearOfCentury
	if month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	fraction, rest, ok := parseFraction(text[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, false
	}
	seconds := int64(daysFromCivil(year, month, day))*secondsPerDay + int64(hour*3600+minute*60+second-offset)
	millis = seconds*1000 + int64(fraction)
	return millis, millis >= minMillis && millis <= maxMillis
}

// twoDigitNumber is the number that two ASCII digits write.
func twoDigitNumber(tens, ones byte) (int, bool) {
	tens -= '0'
	ones -= '0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

// parseFraction reads .digits where there is one, as whole milliseconds. What
// is cut off is positive, so that times before 1970 are rounded down as well.
func parseFraction(text []byte) (millis int, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '.' {
		return 0, text, true
	}
	i := 1
	for scale := 100; i < len(text) && text[i]-'0' <= 9; i++ {
		millis += int(text[i]-'0') * scale
		scale /= 10
	}
	return millis, text[i:], i > 1
}

// parseOffset reads Z or ±hh:mm as seconds east of UTC.
func parseOffset(text []byte) (seconds int, ok bool) {
	if len(text) == 1 {
		return 0, text[0]|0x20 == 'z'
	}
	if len(text) != len("+00:00") || text[3] != ':' {
		return 0, false
	}
	hours, ok0 := twoDigitNumber(text[1], text[2])
	minutes, ok1 := twoDigitNumber(text[4], text[5])
	if !ok0 || !ok1 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds = hours*3600 + minutes*60
	switch text[0] {
	case '+':
		return seconds, true
	case '-':
		return -seconds, true
	}
	return 0, false
}

func daysOfMonth(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil is the number of days from 1970-01-01 to a date of the
// proleptic Gregorian calendar. Years begin in March here, so that the leap day
// is a year's last; 146,097 days are 400 years.
func daysFromCivil(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	year += 400 // the year 0's January belongs to the year before it
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return year*365 + year/4 - year/100 + year/400 + dayOfYear - 719_468 - 146_097
}

// civilFromDays is the inverse of daysFromCivil.
func civilFromDays(days int) (year, month, day int) {
	days += 719_468 + 146_097
	era := days / 146_097
	dayOfEra := days % 146_097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month = (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*month+2)/5 + 1
	month += 3
	year = era*400 + yearOfEra - 400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// AppendTime writes Unix milliseconds as RFC 3339 in UTC, with milliseconds only
// where there are some. A time outside the years 0 to 9999 is written as the
// nearest one within: RFC 3339 has no other.
func AppendTime(dst []byte, millis int64) []byte {
	millis = min(max(millis, minMillis), maxMillis)
	days := millis / (secondsPerDay * 1000)
	rest := int(millis % (secondsPerDay * 1000))
	if rest < 0 {
		days--
		rest += secondsPerDay * 1000
	}
	year, month, day := civilFromDays(int(days))
	dst = appendTwoDigits(dst, year/100)
	dst = appendTwoDigits(dst, year%100)
	dst = appendTwoDigits(append(dst, '-'), month)
	dst = appendTwoDigits(append(dst, '-'), day)
	dst = appendTwoDigits(append(dst, 'T'), rest/3_600_000)
	dst = appendTwoDigits(append(dst, ':'), rest/60_000%60)
	dst = appendTwoDigits(append(dst, ':'), rest/1000%60)
	if fraction := rest % 1000; fraction != 0 {
		dst = append(dst, '.', byte('0'+fraction/100))
		dst = appendTwoDigits(dst, fraction%100)
	}
	return append(dst, 'Z')
}

func appendTwoDigits(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
