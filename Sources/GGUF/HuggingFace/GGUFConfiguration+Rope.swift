import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension GGUFConfiguration {
    /// The scaling of rotary positions, if there is one.
    mutating func ropeScaling() throws -> JSONObject? {
        let type = try keys.optionalString("rope.scaling.type")
        let factor = try keys.optionalNumber("rope.scaling.factor")
        // The name that old files have.
        let oldFactor = try keys.optionalNumber("rope.scale_linear")
        let attention = try keys.optionalNumber("rope.scaling.attn_factor") ?? 1
        let original = try keys.optionalSize("rope.scaling.original_context_length")
        let fast = try keys.optionalNumber("rope.scaling.yarn_beta_fast")
        let slow = try keys.optionalNumber("rope.scaling.yarn_beta_slow")
        switch type ?? (oldFactor ?? factor ?? 1 == 1 ? "none" : "linear") {
        case "none":
            guard let ropeFactors else { return nil }
            return try llama3(ropeFactors)
        case "linear":
            try refuseFactors()
            return ["rope_type": "linear", "factor": .number(try positive(factor ?? oldFactor))]
        case "yarn":
            try refuseFactors()
            let factor = try positive(factor)
            var scaling: JSONObject = ["rope_type": "yarn", "factor": .number(factor)]
            if let original { scaling["original_max_position_embeddings"] = .integer(original) }
            if let fast { scaling["beta_fast"] = .number(fast) }
            if let slow { scaling["beta_slow"] = .number(slow) }
            // llama.cpp multiplies the usual factor by it, transformers takes the product.
            if attention != 1 { scaling["attention_factor"] = .number(attention * (0.1 * log(factor) + 1)) }
            return scaling
        case let other:
            throw keys.error(
                "rope.scaling.type", "\(quoted(other)) is not supported; supported are none, linear and yarn")
        }
    }

    private func positive(_ factor: Double?) throws -> Double {
        guard let factor, factor >= 1 else {
            let found = factor.map { "\($0)" } ?? "missing"
            throw keys.error(
                "rope.scaling.factor", "is \(found), but must be a number of at least 1; the file is damaged")
        }
        return factor
    }

    private func refuseFactors() throws {
        guard ropeFactors == nil else {
            throw GGUFError(
                keys.checkpoint.path, tensor: GGUFModel.ropeFactorsName,
                "and key \"\(keys.architecture).rope.scaling.type\" both scale positions, which is not supported"
            )
        }
    }

    /// Finds the parameters of Llama 3's scaling that give the file's factors.
    ///
    /// Source: llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.generate_extra_tensors`.
    private mutating func llama3(_ factors: [Float]) throws -> JSONObject? {
        if factors.allSatisfy({ $0 == 1 }) { return nil }
        let base = try frequencyBase("rope.freq_base") ?? 10_000
        let factor = Double(factors.max() ?? 1)
        let usual = [8192, 4096, 2048, 16_384, 32_768, 65_536, 131_072]
        for original in usual + Llama3Scaling.originals(factors, base: base, headSize: sizes.headSize) {
            let scaling = Llama3Scaling(factor: factor, original: original)
            guard scaling.gives(factors, base: base, headSize: sizes.headSize) else { continue }
            return [
                "rope_type": "llama3", "factor": .number(factor),
                "low_freq_factor": .number(Llama3Scaling.low),
                "high_freq_factor": .number(Llama3Scaling.high),
                "original_max_position_embeddings": .integer(original),
            ]
        }
        throw GGUFError(
            keys.checkpoint.path, tensor: GGUFModel.ropeFactorsName,
            "does not follow Llama 3's rule with its usual parameters; a model scaled otherwise is not supported"
        )
    }
}

/// Llama 3's scaling of rotary positions: long wavelengths grow by a factor, short ones stay, those between change over.
struct Llama3Scaling {
    static let low = 1.0
    static let high = 4.0
    let factor: Double
    let original: Int

    /// The lengths that the factors between the two ends were made with, or that the ends leave possible.
    static func originals(_ factors: [Float], base: Double, headSize: Int) -> [Int] {
        guard let factor = factors.max().map(Double.init), factor > 1 else { return [] }
        func wavelength(_ index: Int) -> Double {
            2 * Double.pi * pow(base, 2 * Double(index) / Double(headSize))
        }
        var found: [Int] = []
        for (index, value) in factors.enumerated() where value > 1 && Double(value) < factor {
            let smooth = (1 / Double(value) - 1 / factor) / (1 - 1 / factor)
            let length = wavelength(index) * (smooth * (high - low) + low)
            if let whole = Int(exactly: length.rounded()), whole > 0 { found.append(whole) }
        }
        if let last = factors.lastIndex(of: 1),
            let whole = Int(exactly: (wavelength(last) * high).rounded(.up) + 1)
        {
            found.append(whole)
        }
        return found
    }

    /// True if the rule gives these factors, but for rounding.
    func gives(_ factors: [Float], base: Double, headSize: Int) -> Bool {
        factors.enumerated().allSatisfy { index, found in
            let frequency = 1 / pow(base, 2 * Double(index) / Double(headSize))
            let expected = self.expected(2 * Double.pi / frequency)
            return abs(Double(found) - expected) <= 1e-4 * expected
        }
    }

    private func expected(_ wavelength: Double) -> Double {
        let context = Double(original)
        if wavelength < context / Self.high { return 1 }
        if wavelength > context / Self.low { return factor }
        let smooth = (context / wavelength - Self.low) / (Self.high - Self.low)
        return 1 / ((1 - smooth) / factor + smooth)
    }
}
