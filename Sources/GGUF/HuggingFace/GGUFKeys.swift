/// The keys of a model's architecture, read by their names without the architecture's; it notes which were read.
struct GGUFKeys {
    let checkpoint: GGUFCheckpoint
    /// The architecture, with which the keys begin: `llama`.
    let architecture: String
    private var known: Set<String> = []

    init(_ checkpoint: GGUFCheckpoint, architecture: String) {
        self.checkpoint = checkpoint
        self.architecture = architecture
    }

    func error(_ name: String, _ reason: String) -> GGUFError {
        GGUFError(checkpoint.path, key: "\(architecture).\(name)", reason)
    }

    /// The value of a key, which is read with this.
    mutating func value(_ name: String) -> GGUFValue? {
        known.insert(name)
        return checkpoint["\(architecture).\(name)"]
    }

    /// A size: a whole number between 1 and 2³¹, so that the product of two fits `Int`.
    mutating func optionalSize(_ name: String) throws -> Int? {
        guard let value = value(name) else { return nil }
        var number = value.intValue
        if let numbers = value.arrayValue?.integers, let first = numbers.first {
            guard numbers.allSatisfy({ $0 == first }) else {
                throw error(name, "differs from layer to layer, which is not supported")
            }
            number = first
        }
        guard let number, number > 0, number <= Int(Int32.max) else {
            let found = value.intValue.map { ", not \($0)" } ?? ""
            throw error(name, "must be a whole number from 1 to \(Int32.max)\(found); the file is damaged")
        }
        return number
    }

    /// A size that must be there.
    mutating func size(_ name: String) throws -> Int {
        guard let size = try optionalSize(name) else {
            throw error(name, "is missing; convert the model again")
        }
        return size
    }

    /// A number, which must be finite.
    mutating func optionalNumber(_ name: String) throws -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.doubleValue, number.isFinite else {
            throw error(name, "must be a finite number; the file is damaged")
        }
        // A float in the shortest form that reads back as itself, as people write it: 1e-05, not 9.999999747378752e-06.
        if case .float32(let float) = value { return Double(String(float)) ?? number }
        return number
    }

    /// A number above 0 that must be there.
    mutating func number(_ name: String) throws -> Double {
        guard let number = try optionalNumber(name) else {
            throw error(name, "is missing; convert the model again")
        }
        guard number > 0 else { throw error(name, "must be above 0; the file is damaged") }
        return number
    }

    /// The small number that is added to a variance: above 0 and at most 1.
    mutating func epsilon(_ name: String) throws -> Double {
        let number = try number(name)
        guard number <= 1 else { throw error(name, "must be at most 1, not \(number); the file is damaged") }
        return number
    }

    mutating func optionalString(_ name: String) throws -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.stringValue else { throw error(name, "must be a text; the file is damaged") }
        return text
    }

    // MARK: - What is not read

    /// Keys that say nothing about what a model computes.
    private static let harmless: Set<String> = [
        "vocab_size", "rope.scaling.finetuned", "tensor_data_layout",
    ]

    /// Keys that change nothing as long as they have a certain value.
    private static let neutral: [String: Double] = [
        "expert_count": 0, "expert_used_count": 0, "expert_feed_forward_length": 0,
        "expert_shared_count": 0, "leading_dense_block_count": 0, "nextn_predict_layers": 0,
        "attn_logit_softcapping": 0, "final_logit_softcapping": 0, "attention.clamp_kqv": 0,
        "attention.max_alibi_bias": 0, "pooling_type": 0, "logit_scale": 1, "embedding_scale": 1,
        "residual_scale": 1, "attention.causal": 1, "use_parallel_residual": 0,
        "rope.scaling.yarn_ext_factor": 1, "rope.scaling.yarn_attn_factor": 1,
    ]

    /// Checks that every key was read or does not matter.
    ///
    /// - Throws: ``GGUFError`` that names the first key that may change what the model computes.
    func checkAllKnown() throws {
        let start = architecture + "."
        for (key, value) in checkpoint.metadata where key.utf8.starts(with: start.utf8) {
            let name = String(decoding: key.utf8.dropFirst(start.utf8.count), as: UTF8.self)
            if known.contains(name) || Self.harmless.contains(name) { continue }
            let number = value.doubleValue ?? value.boolValue.map { $0 ? 1 : 0 }
            if let neutral = Self.neutral[name], number == neutral { continue }
            throw GGUFError(
                checkpoint.path, key: key,
                "is not understood, and may change what the model computes; use a model of the plain architecture"
            )
        }
    }
}
