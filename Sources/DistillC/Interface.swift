import CDistill
import CKernels
import DistillRuntime
import Tokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The texts of two C arrays.
private func pairs(
    _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ pairs: UnsafePointer<UnsafePointer<CChar>?>?,
    _ count: Int
) throws -> [TextPair] {
    guard count >= 0 else { throw InterfaceError(description: "count is larger than any array") }
    guard count > 0 else { return [] }
    guard let texts else { throw InterfaceError(description: "texts is null, but count is \(count)") }
    return try (0..<count).map { index in
        let single = try text(texts[index], "text \(index + 1)")
        guard let pairs else { return TextPair(single) }
        return TextPair(single, pair: try text(pairs[index], "the second text of pair \(index + 1)"))
    }
}

/// The texts with their places as names, or what is wrong with them.
private func named(_ texts: [TextPair]) -> [LineInput] {
    texts.enumerated().map { index, text in LineInput(text, name: "text \(index + 1)") }
}

@_cdecl("distill_open")
public func distillOpen(
    _ directory: UnsafePointer<CChar>?, _ options: UnsafePointer<distill_options>?,
    _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> OpaquePointer? {
    guarded(error) {
        guard let directory else { throw InterfaceError(description: "the directory is null") }
        let options = options?.pointee ?? distill_options()
        let path = String(cString: directory)
        let settings = RuntimeModel.Options(
            maxLength: options.max_length == 0 ? nil : Int(options.max_length),
            usesBFloat16: options.bfloat16 != 0)
        var strategy: EntityAggregation.Strategy?
        if let name = options.aggregation.map({ String(cString: $0) }) {
            guard let named = EntityAggregation.Strategy(rawValue: name) else {
                let known = EntityAggregation.Strategy.allCases.map(\.rawValue).joined(separator: ", ")
                throw InterfaceError(description: "aggregation '\(name)' is unknown; use one of: \(known)")
            }
            strategy = named
        }
        let prompt = options.prompt.map { String(cString: $0) }
        if LanguageModel.isLanguageModel(path) {
            guard options.max_length == 0, options.threshold == 0, strategy == nil, prompt == nil else {
                throw InterfaceError(
                    description:
                        "\(path): is a language model, for which max_length, threshold, aggregation and prompt are not; leave them out"
                )
            }
            let model = try LanguageModel(path, .init(weights: settings.usesBFloat16 ? .bfloat16 : .stored))
            return OpaquePointer(Unmanaged.passRetained(OpenModel(.languageModel(model))).toOpaque())
        }
        let predictor = try LinePredictor(
            directory: path,
            .init(
                settings, threshold: options.threshold == 0 ? 0.5 : options.threshold, strategy: strategy,
                prompt: prompt))
        if prompt != nil, let refusal = predictor.refusal(of: .prompt, called: "prompt") {
            throw InterfaceError(description: refusal)
        }
        return OpaquePointer(Unmanaged.passRetained(OpenModel(.predictor(predictor))).toOpaque())
    }
}

@_cdecl("distill_close")
public func distillClose(_ model: OpaquePointer?) {
    if let model { Unmanaged<OpenModel>.fromOpaque(UnsafeRawPointer(model)).release() }
}

@_cdecl("distill_label_count")
public func distillLabelCount(_ model: OpaquePointer?) -> Int { (try? opened(model).labels.count) ?? 0 }

@_cdecl("distill_label")
public func distillLabel(_ model: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
    guard let labels = try? opened(model).labels, labels.indices.contains(index) else { return nil }
    return labels[index].map { UnsafePointer($0) }
}

@_cdecl("distill_predict")
public func distillPredict(
    _ model: OpaquePointer?, _ texts: UnsafePointer<UnsafePointer<CChar>?>?,
    _ second: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
    _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> UnsafeMutablePointer<CChar>? {
    guarded(error) {
        let inputs = try pairs(texts, second, count)
        let predictor = try opened(model).predictor
        guard second == nil || predictor.refusal(of: .pairs, called: "pairs") == nil else {
            throw InterfaceError(
                description:
                    "a model for token classification or embeddings reads single texts; pairs must be null")
        }
        // A line for each, as of a file.
        let lines = try predictor.lines(for: named(inputs)).lines
        return strdup(lines.map { $0 + "\n" }.joined())
    } ?? nil
}

@_cdecl("distill_logits")
public func distillLogits(
    _ model: OpaquePointer?, _ texts: UnsafePointer<UnsafePointer<CChar>?>?,
    _ second: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int, _ logits: UnsafeMutablePointer<Float>?,
    _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    guarded(error) {
        guard case .classifier(let classifier) = try opened(model).predictor else {
            throw InterfaceError(
                description:
                    "a model for token classification or embeddings has no logits for texts; use distill_predict or distill_embed"
            )
        }
        guard let logits else { throw InterfaceError(description: "logits is null") }
        let inputs = try pairs(texts, second, count)
        for case .problem(let problem) in named(inputs) {
            throw InterfaceError(description: "\(problem); leave it out")
        }
        let values = try classifier.logits(inputs)
        values.withUnsafeBufferPointer {
            if let start = $0.baseAddress { logits.update(from: start, count: $0.count) }
        }
        return 0
    } ?? -1
}

@_cdecl("distill_dimension")
public func distillDimension(_ model: OpaquePointer?) -> Int {
    guard case .embedder(let embedder, _)? = try? opened(model).predictor else { return 0 }
    return embedder.dimension
}

@_cdecl("distill_embed")
public func distillEmbed(
    _ model: OpaquePointer?, _ texts: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
    _ vectors: UnsafeMutablePointer<Float>?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    guarded(error) {
        guard case .embedder(let embedder, let prompt) = try opened(model).predictor else {
            throw InterfaceError(
                description: "the model gives no embeddings; open a directory of sentence-transformers")
        }
        guard let vectors else { throw InterfaceError(description: "vectors is null") }
        let inputs = try pairs(texts, nil, count)
        let values = try embedder.vectors(inputs.map(\.text), prompt: prompt).values
        values.withUnsafeBufferPointer {
            if let start = $0.baseAddress { vectors.update(from: start, count: $0.count) }
        }
        return 0
    } ?? -1
}

@_cdecl("distill_free")
public func distillFree(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

@_cdecl("distill_set_threads")
public func distillSetThreads(_ count: Int32) { ck_set_threads(count) }
