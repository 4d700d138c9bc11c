import CDistill
import Decoding
import DistillRuntime
import JSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@_cdecl("distill_generation_defaults")
public func distillGenerationDefaults(
    _ model: OpaquePointer?, _ options: UnsafeMutablePointer<distill_generation_options>?,
    _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    guarded(error) {
        let model = try opened(model).languageModel
        guard let options else { throw InterfaceError(description: "options is null") }
        options.pointee = distill_generation_options(model)
        return 0
    } ?? -1
}

@_cdecl("distill_generate")
public func distillGenerate(
    _ model: OpaquePointer?, _ prompts: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int,
    _ options: UnsafePointer<distill_generation_options>?, _ callback: distill_piece_callback?,
    _ context: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> UnsafeMutablePointer<CChar>? {
    guarded(error) {
        let model = try opened(model).languageModel
        guard count >= 0 else { throw InterfaceError(description: "count is larger than any array") }
        guard count == 0 || prompts != nil else {
            throw InterfaceError(description: "prompts is null, but count is \(count)")
        }
        let given = options?.pointee ?? distill_generation_options(model)
        let texts = try (0..<count).map { index in
            model.prompt(try text(prompts?[index], "prompt \(index + 1)"), isChat: given.chat != 0)
        }
        let made = try model.generate(texts, GenerationOptions(given, model.defaults)) { event in
            guard let callback else { return }
            let status =
                switch event {
                case .piece(let prompt, let text):
                    text.withCString { callback(context, prompt, $0, text.utf8.count, 0) }
                case .finished(let prompt, _): "".withCString { callback(context, prompt, $0, 0, 1) }
                }
            guard status == 0 else {
                throw InterfaceError(description: "the callback ended the generation with \(status)")
            }
        }
        return strdup(made.map { $0.json.serialized() + "\n" }.joined())
    } ?? nil
}

extension distill_generation_options {
    /// Those that a model's files ask for. Its stop strings are not among them: they count always.
    fileprivate init(_ model: LanguageModel) {
        let defaults = model.defaults
        self.init()
        max_new_tokens = Int32(clamping: defaults.maxNewTokens)
        temperature = defaults.temperature
        top_k = Int32(clamping: defaults.topK ?? 0)
        (top_p, min_p, repetition_penalty) = (defaults.topP, defaults.minP, defaults.repetitionPenalty)
        seed = defaults.seed
        chat = model.hasChatTemplate ? 1 : 0
    }
}

extension GenerationOptions {
    /// Options from C over those of a model's files.
    ///
    /// - Throws: ``InterfaceError`` for strings that are null or no UTF-8.
    fileprivate init(_ given: distill_generation_options, _ defaults: GenerationOptions) throws {
        self = defaults
        maxNewTokens = Int(given.max_new_tokens)
        temperature = given.temperature
        topK = given.top_k == 0 ? nil : Int(given.top_k)
        (topP, minP, repetitionPenalty) = (given.top_p, given.min_p, given.repetition_penalty)
        seed = given.seed
        guard given.stop_count == 0 || given.stop != nil else {
            throw InterfaceError(description: "stop is null, but stop_count is \(given.stop_count)")
        }
        stopStrings += try (0..<Int(clamping: given.stop_count)).map {
            try text(given.stop?[$0], "stop string \($0 + 1)")
        }
    }
}
