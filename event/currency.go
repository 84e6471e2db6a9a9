package event

// twoDigits and the tables after it are the codes of ISO 4217 in use, by the
// number of decimals of their minor unit; retired holds codes with two decimals
// that were withdrawn since 2015, since history is read too.
const (
	twoDigits = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF " +
		"CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT " +
		"MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR " +
		"SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU " +
		"UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
	retired     = "ANG BGN CUC HRK LTL MRO SLL STD VEF ZWL"
	noDigits    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	threeDigits = "BHD IQD JOD KWD LYD OMR TND"
	fourDigits  = "CLF UYW"
)

const letters = 'Z' - 'A' + 1

// exponents holds, for each three-letter code, its decimals plus one; 0 is no
// currency. An array and not a map: it is read for every purchase.
var exponents = func() (table [letters * letters * letters]uint8) {
	enter := func(codes string, digits uint8) {
		for ; len(codes) >= 3; codes = codes[min(4, len(codes)):] {
			table[Currency{codes[0], codes[1], codes[2]}.index()] = digits + 1
		}
	}
	enter(twoDigits, 2)
	enter(retired, 2)
	enter(noDigits, 0)
	enter(threeDigits, 3)
	enter(fourDigits, 4)
	return table
}()

// index is the place of a code in exponents, -1 if it isn't three upper-case
// letters.
func (c Currency) index() int {
	a, b, d := c[0]-'A', c[1]-'A', c[2]-'A'
	if a >= letters || b >= letters || d >= letters {
		return -1
	}
	return (int(a)*letters+int(b))*letters + int(d)
}

// ParseCurrency reads an ISO 4217 code in upper or lower case. It is false for
// what isn't one.
func ParseCurrency(code string) (Currency, bool) {
	if len(code) != 3 {
		return Currency{}, false
	}
	c := Currency{upper(code[0]), upper(code[1]), upper(code[2])}
	if i := c.index(); i < 0 || exponents[i] == 0 {
		return Currency{}, false
	}
	return c, true
}

func upper(b byte) byte {
	if 'a' <= b && b <= 'z' {
		return b - 'a' + 'A'
	}
	return b
}

// Digits is the number of decimals of the currency's minor unit: 2 for USD, 0
// for JPY, 3 for KWD. A code that ISO 4217 doesn't have counts as 2.
func (c Currency) Digits() int {
	if i := c.index(); i >= 0 && exponents[i] > 0 {
		return int(exponents[i]) - 1
	}
	return 2
}

// String is the code, "" for the zero value.
func (c Currency) String() string {
	if c == (Currency{}) {
		return ""
	}
	return string(c[:])
}
