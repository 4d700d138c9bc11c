import Foundation
import Testing

@testable import Reports

@Suite("Color ramp")
struct ColorRampTests {
    @Test("colors rise evenly in lightness, and text on them has the contrast that WCAG asks for")
    func ramp() {
        let colors = (0...200).map { ColorRamp.color(Double($0) / 200) }
        for (darker, lighter) in zip(colors, colors.dropFirst()) {
            #expect(lightness(darker) < lightness(lighter))
            let step = lightness(lighter) - lightness(darker)
            // 75 or so units of CIE L* in 200 steps.
            #expect((0.15...0.75).contains(step), "\(step)")
        }
        for color in colors {
            let text = color.text == "#ffffff" ? 1.0 : 0.0
            let (low, high) = (min(text, color.luminance), max(text, color.luminance))
            #expect((high + 0.05) / (low + 0.05) >= 4.5)
        }
        #expect(ColorRamp.color(-1) == ColorRamp.color(0) && ColorRamp.color(2) == ColorRamp.color(1))
    }

    /// L* of CIE 1976.
    private func lightness(_ color: ColorRamp.Color) -> Double {
        let y = color.luminance
        return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27
    }
}
