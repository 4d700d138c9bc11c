import Foundation

/// Colors from dark violet over blue and green to yellow, whose lightness rises evenly: in order for every kind of
/// color vision, and in print without colors.
enum ColorRamp {
    struct Color: Equatable {
        var red: Double
        var green: Double
        var blue: Double

        /// As `#rrggbb`.
        var hexadecimal: String {
            "#"
                + [red, green, blue].map { channel in
                    let byte = Int((min(max(channel, 0), 1) * 255).rounded())
                    return (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }.joined()
        }

        /// The relative luminance of WCAG 2, from 0 for black to 1 for white.
        var luminance: Double {
            func linear(_ channel: Double) -> Double {
                channel <= 0.04045 ? channel / 12.92 : pow((channel + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        }

        /// Black or white, whichever is easier to read on this color: 4.5 times as light or dark, or more.
        var text: String { luminance > 0.179 ? "#000000" : "#ffffff" }
    }

    private static let stops: [Color] = [
        Color(red: 0.20, green: 0.07, blue: 0.34), Color(red: 0.24, green: 0.22, blue: 0.53),
        Color(red: 0.19, green: 0.38, blue: 0.56), Color(red: 0.13, green: 0.53, blue: 0.55),
        Color(red: 0.22, green: 0.67, blue: 0.46), Color(red: 0.53, green: 0.80, blue: 0.30),
        Color(red: 0.97, green: 0.91, blue: 0.25),
    ]

    /// The color at a position.
    ///
    /// - Parameter place: From 0, the darkest, to 1, the lightest.
    static func color(_ place: Double) -> Color {
        let scaled = min(max(place.isNaN ? 0 : place, 0), 1) * Double(stops.count - 1)
        let index = min(Int(scaled), stops.count - 2)
        let (from, to, fraction) = (stops[index], stops[index + 1], scaled - Double(index))
        return Color(
            red: from.red + (to.red - from.red) * fraction,
            green: from.green + (to.green - from.green) * fraction,
            blue: from.blue + (to.blue - from.blue) * fraction)
    }
}
