import Foundation

/// What `strftime_now` takes for the time.
public struct ChatTemplateClock: Sendable {
    /// The moment.
    public let date: Date
    /// The time zone in which it is written.
    public let timeZone: TimeZone

    /// Makes a clock that stands still.
    ///
    /// - Parameters:
    ///   - date: The moment.
    ///   - timeZone: The time zone in which it is written.
    public init(date: Date = Date(), timeZone: TimeZone = .current) {
        self.date = date
        self.timeZone = timeZone
    }

    /// The time in a form, as C's `strftime` writes it in English.
    ///
    /// - Throws: `TemplateFailure` for a text that is too long.
    func formatted(_ format: String) throws -> String {
        guard !format.utf8.contains(0) else {
            throw TemplateFailure.rendering("strftime_now's format has a NUL character")
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second, .nanosecond, .weekday], from: date)
        var time = tm()
        time.tm_year = Int32(clamping: (parts.year ?? 1900) - 1900)
        time.tm_mon = Int32(clamping: (parts.month ?? 1) - 1)
        time.tm_mday = Int32(clamping: parts.day ?? 1)
        time.tm_hour = Int32(clamping: parts.hour ?? 0)
        time.tm_min = Int32(clamping: parts.minute ?? 0)
        time.tm_sec = Int32(clamping: parts.second ?? 0)
        time.tm_wday = Int32(clamping: (parts.weekday ?? 1) - 1)
        time.tm_yday = Int32(clamping: (calendar.ordinality(of: .day, in: .year, for: date) ?? 1) - 1)
        let microseconds = String(max(parts.nanosecond ?? 0, 0) / 1000)
        let known = Self.withoutPythonsParts(format, microseconds)
        guard !known.isEmpty else { return "" }
        // A form may write nothing, which strftime reports as a lack of room: a character before it tells them apart.
        var room = 256
        while room <= 1 << 20 {
            var buffer = [CChar](repeating: 0, count: room)
            let written = strftime(&buffer, room, "." + known, &time)
            if written > 0 {
                return String(decoding: buffer[1..<written].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            room *= 4
        }
        throw TemplateFailure.limit("strftime_now writes more than \(1 << 20) bytes")
    }

    /// The form with what Python writes by itself: a time without a zone has no name and no offset.
    private static func withoutPythonsParts(_ format: String, _ microseconds: String) -> String {
        var result = String.UnicodeScalarView()
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%", let letter = rest.popFirst() else {
                result.append(scalar)
                continue
            }
            switch letter {
            case "z", "Z": continue
            case "f":
                let zeros = String(repeating: "0", count: 6 - microseconds.count)
                result.append(contentsOf: (zeros + microseconds).unicodeScalars)
            default: result.append(contentsOf: [scalar, letter])
            }
        }
        return String(result)
    }
}
