import Testing
import ZooFetch

@Suite("dates and codes of the web")
struct WebDateTests {
  @Test func areSecondsSince1970() {
    #expect(WebDate.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    #expect(WebDate.seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
    #expect(WebDate.seconds("Thu, 29 Feb 2024 23:59:59 GMT") == 1_709_251_199)
    #expect(WebDate.seconds("Fri, 01 Mar 2024 00:00:00 GMT") == 1_709_251_200)
    #expect(WebDate.seconds("Mon, 01 Mar 2100 00:00:00 GMT") == 4_107_542_400)
    for text in [
      "", "tomorrow", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 25:49:37 GMT",
      "Sun, 06 Nov 1994 08:49 GMT",
    ] {
      #expect(WebDate.seconds(text) == nil, "\(text)")
    }
  }

  @Test func percentCodesAreBytes() {
    #expect("a%20b%C3%A9".percentDecoded == "a bé")
    #expect("plain".percentDecoded == "plain" && "".percentDecoded == "")
    for text in ["%", "%4", "%zz", "%+1", "%ff"] { #expect(text.percentDecoded == nil, "\(text)") }
  }
}
