#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What `strftime_now` takes for the time.
public struct ChatTemplateClock: Sendable {
    /// The moment, in seconds since the beginning of 1970 in Greenwich.
    public let secondsSince1970: Double
    /// The seconds that the time zone is ahead of Greenwich; `nil` for the system's time zone.
    public let secondsFromGMT: Int?

    /// Makes a clock that stands still.
    ///
    /// - Parameters:
    ///   - secondsSince1970: The moment; `nil` for now.
    ///   - secondsFromGMT: The seconds that the time zone in which it is written is ahead of Greenwich; `nil` for the system's time zone.
    public init(secondsSince1970: Double? = nil, secondsFromGMT: Int? = nil) {
        self.secondsSince1970 = secondsSince1970 ?? Self.now
        self.secondsFromGMT = secondsFromGMT
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The moment's parts.
    private var parts: tm {
        var parts = tm()
        var seconds = time_t(secondsSince1970.rounded(.down))
        guard let secondsFromGMT else {
            tzset()
            localtime_r(&seconds, &parts)
            return parts
        }
        seconds += time_t(secondsFromGMT)
        gmtime_r(&seconds, &parts)
        return parts
    }

    /// The time in a form, as C's `strftime` writes it in English.
    ///
    /// - Throws: `TemplateFailure` for a text that is too long.
    func formatted(_ format: String) throws -> String {
        guard !format.utf8.contains(0) else {
            throw TemplateFailure.rendering("strftime_now's format has a NUL character")
        }
        var time = parts
        let fraction = secondsSince1970 - secondsSince1970.rounded(.down)
        let microseconds = String(min(999_999, Int(fraction * 1e6)))
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
