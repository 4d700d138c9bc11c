import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The rotary position embeddings of a layer (Su et al., "RoFormer", arXiv 2104.09864): pairs of dimensions are rotated by the
/// position, with one frequency for each pair.
package struct RotarySettings: Sendable, Equatable {
    /// The angles by which position 1 is rotated: one for each pair of dimensions, D / 2 of a head size D.
    package let frequencies: [Float]
    /// The factor of cosines and sines.
    package let attentionFactor: Float
    /// The base of the frequencies before they are scaled.
    package let base: Double
    /// How the frequencies are scaled; `nil` where they are not.
    package let scaling: Scaling?

    /// What `config.json` says of the scaling.
    package struct Scaling: Sendable, Equatable {
        /// `rope_type`: linear, llama3 or yarn.
        package let type: String
        package let factor: Double
        /// `original_max_position_embeddings`, or what stands for it.
        package let originalPositions: Int
        /// Llama 3's fractions of that length between which wavelengths are mixed.
        package var lowFactor = 1.0
        package var highFactor = 4.0
        /// YaRN's numbers of rotations between which frequencies are mixed.
        package var betaFast = 32.0
        package var betaSlow = 1.0
        /// True if YaRN's bounds are whole dimensions.
        package var truncates = true
    }

    /// Reads the settings, of transformers 5 (`rope_parameters`) or before (`rope_theta` and `rope_scaling`).
    ///
    /// - Parameters:
    ///   - reader: The fields of `config.json`.
    ///   - layerType: The layers' type where `rope_parameters` has an entry for each: `full_attention`.
    ///   - older: The field of the base in transformers 4.
    ///   - theta: The default base.
    ///   - isScaled: False where transformers 4 applies `rope_scaling` to other layers alone.
    /// - Throws: ``ArchitectureError`` for a type of scaling that is not supported, or a value out of range.
    init(
        _ reader: ConfigurationReader, headSize: Int, positions: Int, layerType: String? = nil,
        older: String = "rope_theta", theta: Double = 10_000, isScaled: Bool = true
    ) throws {
        let own = try Self.fields(reader, layerType, isScaled: isScaled)
        let base =
            own?.optional("rope_theta") == nil
            ? try reader.number(older, default: theta, "above 1") { $0 > 1 }
            : try own?.number("rope_theta", default: theta, "above 1") { $0 > 1 } ?? theta
        guard headSize.isMultiple(of: 2) else {
            throw reader.error(
                "a head size of \(headSize) is odd; rotary position embeddings need pairs of dimensions")
        }
        let plain = (0..<headSize / 2).map { 1 / powf(Float(base), Float(2 * $0) / Float(headSize)) }
        self.base = base
        guard let own else {
            (frequencies, attentionFactor, self.scaling) = (plain, 1, nil)
            return
        }
        try own.refuse("partial_rotary_factor", unless: { $0.doubleValue == 1 }, "all dimensions are rotated")
        let scaling = RotaryScaling(own, base: base, headSize: headSize, positions: positions)
        (frequencies, attentionFactor) = try scaling.scaled(plain)
        self.scaling = try scaling.described()
    }

    /// The fields of the scaling, and in transformers 5 of the base; `nil` where there are none.
    private static func fields(
        _ reader: ConfigurationReader, _ layerType: String?, isScaled: Bool
    ) throws -> ConfigurationReader? {
        func object(_ key: String, _ value: JSONValue) throws -> JSONObject {
            guard let object = value.objectValue else {
                throw reader.error(key, "must be an object", value)
            }
            return object
        }
        let key = "rope_parameters"
        if let value = reader.optional(key) {
            let all = try object(key, value)
            guard let layerType, let own = all[layerType] else {
                return ConfigurationReader(object: all, source: "\(reader.source), \(key)")
            }
            return ConfigurationReader(
                object: try object("\(key).\(layerType)", own),
                source: "\(reader.source), \(key).\(layerType)")
        }
        guard isScaled, let value = reader.optional("rope_scaling") else { return nil }
        return ConfigurationReader(
            object: try object("rope_scaling", value), source: "\(reader.source), rope_scaling")
    }
}

/// The scaling of rotary frequencies for texts longer than those that a model was first trained on.
private struct RotaryScaling {
    private let reader: ConfigurationReader
    private let base: Double
    private let headSize: Int
    private let positions: Int

    init(_ reader: ConfigurationReader, base: Double, headSize: Int, positions: Int) {
        (self.reader, self.base, self.headSize, self.positions) = (reader, base, headSize, positions)
    }

    /// Returns the scaled frequencies, and the factor of cosines and sines.
    func scaled(_ plain: [Float]) throws -> ([Float], Float) {
        let type = reader.optional("rope_type") ?? reader.optional("type") ?? "default"
        switch type.stringValue {
        case "default": return (plain, 1)
        case "linear":
            let factor = Float(try factor())
            return (plain.map { $0 / factor }, 1)
        case "llama3": return (try llama3(plain), 1)
        case "yarn": return try yarn()
        default:
            throw reader.error(
                "rope_type", "must be \"default\", \"linear\", \"llama3\" or \"yarn\"", type)
        }
    }

    /// What the fields say; `nil` where nothing is scaled.
    func described() throws -> RotarySettings.Scaling? {
        let type = (reader.optional("rope_type") ?? reader.optional("type") ?? "default").stringValue ?? ""
        guard type != "default" else { return nil }
        guard type == "yarn" else {
            return .init(
                type: type, factor: try factor(), originalPositions: Int(try originalPositions()),
                lowFactor: try above0("low_freq_factor", 1), highFactor: try above0("high_freq_factor", 4))
        }
        return .init(
            type: type, factor: try yarnFactor(), originalPositions: Int(try originalPositions()),
            betaFast: try above0("beta_fast", 32), betaSlow: try above0("beta_slow", 1),
            truncates: try reader.boolean("truncate", default: true))
    }

    private func above0(_ key: String, _ usual: Double) throws -> Double {
        reader.optional(key) == nil ? usual : try reader.number(key, default: usual, "above 0") { $0 > 0 }
    }

    private func yarnFactor() throws -> Double {
        reader.optional("factor") == nil ? Double(positions) / (try originalPositions()) : try factor()
    }

    private func factor() throws -> Double {
        guard reader.optional("factor") != nil else {
            throw reader.error("\"factor\" is missing; give the factor of the scaling")
        }
        return try reader.number("factor", default: 1, "of at least 1") { $0 >= 1 }
    }

    private func originalPositions() throws -> Double {
        Double(
            try reader.wholeNumber(
                "original_max_position_embeddings", default: positions, in: 1...ModelConfiguration.largestSize
            ))
    }

    /// Llama 3.1: long wavelengths are divided by the factor, short ones stay, those between are mixed.
    private func llama3(_ plain: [Float]) throws -> [Float] {
        func number(_ key: String, _ usual: Double) throws -> Float {
            Float(try reader.number(key, default: usual, "above 0") { $0 > 0 })
        }
        let factor = Float(try factor())
        let (low, high) = (try number("low_freq_factor", 1), try number("high_freq_factor", 4))
        guard high > low else {
            throw reader.error("\"high_freq_factor\" \(high) must be above \"low_freq_factor\" \(low)")
        }
        let original = Float(try originalPositions())
        return plain.map { frequency in
            let wavelength = 2 * Float.pi / frequency
            if wavelength > original / low { return frequency / factor }
            if wavelength < original / high { return frequency }
            let smooth = (original / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
    }

    /// YaRN (Peng et al., arXiv 2309.00071).
    private func yarn() throws -> ([Float], Float) {
        let original = try originalPositions()
        let factor = try yarnFactor()
        func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
        var attention = scale(1)
        if reader.optional("attention_factor") != nil {
            attention = try above0("attention_factor", 1)
        } else if reader.optional("mscale") != nil, reader.optional("mscale_all_dim") != nil {
            attention = scale(try above0("mscale", 1)) / scale(try above0("mscale_all_dim", 1))
        }
        let (low, high) = try correctionRange(
            fast: above0("beta_fast", 32), slow: above0("beta_slow", 1), original)
        let frequencies = (0..<headSize / 2).map { index -> Float in
            let position = powf(Float(base), Float(2 * index) / Float(headSize))
            let ramp = min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
            let kept = 1 - ramp
            return 1 / (Float(factor) * position) * (1 - kept) + 1 / position * kept
        }
        return (frequencies, Float(attention))
    }

    /// The dimensions between which frequencies are mixed.
    private func correctionRange(
        fast: Double, slow: Double, _ original: Double
    ) throws -> (low: Double, high: Double) {
        func dimension(_ rotations: Double) -> Double {
            Double(headSize) * log(original / (rotations * 2 * .pi)) / (2 * log(base))
        }
        var (low, high) = (dimension(fast), dimension(slow))
        if try reader.boolean("truncate", default: true) {
            (low, high) = (low.rounded(.down), high.rounded(.up))
        }
        (low, high) = (max(low, 0), min(high, Double(headSize - 1)))
        if low == high { high += 0.001 }
        return (low, high)
    }
}
