import ChatTemplates
import Distillation
import Files
import Foundation
import Generation
import JSON
import Tokenizers
import Torch
import Transformers

/// The input of ``AnswerRun``, which `distill generate` runs.
public struct AnswerRequest {
    /// The model's directory, or a GGUF file.
    public var model: URL
    /// Texts that are answered.
    public var questions: [String] = []
    /// A file of prompts, which come after ``questions``.
    public var data: URL?
    /// The part of the prompts to answer: consecutive ones, so that the outputs of all parts, one after another, are that of one run.
    public var shard: Shard?
    /// True to take texts for user's messages, which the model's chat template puts into a conversation; `nil` where it has one.
    public var isChat: Bool?
    /// The file that the answers are written to, in the form that a language model is trained on; `nil` for none.
    public var output: URL?
    /// True to keep answers in the output that are cut for their length: a model that is trained on them learns to stop there.
    public var keepsUnfinished = false
    /// True to replace the output where it is there.
    public var overwrite = false
    /// Changes what the model's files ask for.
    public var options: (inout GenerationOptions) throws -> Void = { _ in }
    /// The most texts that are generated at a time.
    public var batchSize = 8
    /// The form in which the kernels multiply the weights, on the CPU; `nil` for floating point of ``precision``.
    public var weights: AnswerWeights?
    public var precision = Precision.auto
    public var device = Device.cpu

    public init(model: URL) { self.model = model }
}

/// Answers prompts with a language model.
public struct AnswerRun {
    public let request: AnswerRequest

    public init(_ request: AnswerRequest) { self.request = request }

    /// The answers, and the speed of all.
    public struct Report: Sendable, Codable {
        /// A prompt's answer.
        public struct Answer: Sendable, Codable {
            public var text: String
            public var tokens: Int
            /// `stop` where the model ended it, `length` where it was cut.
            public var finishReason: String
        }

        public var answers: Int
        /// In the order of the prompts.
        public var texts: [Answer]
        /// Those of this run, without answers of a run before.
        public var tokens: Int
        public var promptTokens: Int
        public var seconds: Double
        /// The answers that ended because the model stopped, not for their length.
        public var stopped: Int
        /// The answers that are in the output.
        public var kept: Int?
        public var output: String?

        public var tokensPerSecond: Double { Double(tokens) / max(seconds, 1e-9) }
    }

    /// With an output, finished answers are kept beside it (`<output>.partial`) until all are there: the same request goes on with them.
    ///
    /// - Parameters:
    ///   - onEvent: Called with each piece of an answer.
    ///   - onKnown: Called with the number of answers that a run before has kept, where there are any.
    ///   - onNote: Called with each line about the model that the user should know.
    ///   - shouldStop: Called between pieces; true ends the run without an output.
    /// - Throws: `GenerationError`, `DistillationError` or a file's error, each in one line; `InterruptedError`.
    public func run(
        onEvent: @escaping (GenerationEvent) throws -> Void = { _ in },
        onKnown: (Int) -> Void = { _ in },
        onNote: (String) -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> (report: Report, texts: [GeneratedText]) {
        try requireWritableOutput()
        let lock = try request.output.map { try OutputLock($0) }
        defer { withExtendedLifetime(lock) {} }
        let model = try AnswerModel(request)
        model.notes.forEach(onNote)
        let encoder = model.encoder
        let isChat = request.isChat ?? encoder.hasTemplate
        guard !isChat || encoder.hasTemplate else {
            throw GenerationError(
                "\(request.model.path): has no chat template; leave out --chat, or put one into the model's directory as "
                    + "chat_template.jinja")
        }
        let (prompts, part) = try prompts(asChat: isChat)
        var options = model.defaults
        try request.options(&options)
        let tokens = try prompts.map { try $0.tokens(encoder) }
        try requirePositions(
            tokens, model.positions, before: part.lowerBound - request.questions.count)
        let journal = try journal(tokens, options)
        let known = journal?.answers ?? [:]
        if !known.isEmpty { onKnown(known.count) }
        let start = ContinuousClock.now
        let texts = try model.generate(tokens, options, known, part.lowerBound) { event in
            if case .finished(let prompt, let text) = event { try journal?.add(text, to: prompt) }
            if shouldStop() { throw InterruptedError(outcome(of: journal)) }
            try onEvent(event)
        }
        var report = Report(
            answers: texts.count,
            texts: texts.map {
                .init(text: $0.text, tokens: $0.tokenIDs.count, finishReason: $0.finishReason.rawValue)
            }, tokens: texts.indices.reduce(0) { $0 + (known[$1] == nil ? texts[$1].tokenIDs.count : 0) },
            promptTokens: tokens.reduce(0) { $0 + $1.count },
            seconds: (ContinuousClock.now - start) / .seconds(1),
            stopped: texts.count { $0.finishReason == .stop }, output: request.output?.path)
        if let output = request.output {
            let kept = zip(prompts, texts).filter { request.keepsUnfinished || $1.finishReason == .stop }
            // A part of a file may have no answer that came to an end.
            guard !kept.isEmpty || request.shard != nil else {
                throw Self.nothingEnded(texts.count, options.maxNewTokens)
            }
            report.kept = kept.count
            try AtomicFile.write(
                kept.map { Self.line($0, $1).serialized() + "\n" }.joined(), to: output)
            journal?.remove()
        }
        return (report, texts)
    }

    private static func nothingEnded(_ answers: Int, _ tokens: Int) -> GenerationError {
        GenerationError(
            (answers == 1 ? "the answer did not come" : "none of the \(answers) answers came")
                + " to an end within \(tokens) tokens; raise --max-new-tokens and pass --overwrite to begin again, or keep them as they "
                + "are with --keep-unfinished")
    }

    /// The prompts to answer, and their places among all of the request.
    private func prompts(asChat isChat: Bool) throws -> (prompts: [Prompt], part: Range<Int>) {
        let questions = request.questions.map { isChat ? Prompt(question: $0) : Prompt(text: $0) }
        let all = try questions + (request.data.map { try Prompt.load($0, asChat: isChat) } ?? [])
        guard !all.isEmpty else { throw GenerationError("there is no prompt; give --prompt or --data") }
        let part = request.shard?.range(of: all.count) ?? 0..<all.count
        guard !part.isEmpty else {
            throw GenerationError(
                "--shard \(request.shard?.description ?? "") has none of the \(all.count) prompts; divide them into fewer parts"
            )
        }
        return (Array(all[part]), part)
    }

    /// What an interruption leaves, as the end of a sentence.
    private func outcome(of journal: AnswerJournal?) -> String {
        guard let journal else { return "nothing was saved" }
        guard !journal.answers.isEmpty else { return "no answer was finished" }
        let count = journal.answers.count
        return
            "\(count) \(count == 1 ? "answer is" : "answers are") kept in \(journal.place), and the same command goes on with the others"
    }

    private func journal(_ prompts: [[Int32]], _ options: GenerationOptions) throws -> AnswerJournal? {
        try request.output.map { output in
            try AnswerJournal(
                output: output, identity: request.identity(prompts, options), prompts: prompts.count,
                replaces: request.overwrite)
        }
    }

    /// - Throws: `GenerationError` for a prompt that is longer than the model reads, by its place among those of the command line or
    ///   of the file.
    ///
    /// - Parameter before: The prompts of the file that stand before these, less those of the command line.
    private func requirePositions(_ prompts: [[Int32]], _ positions: Int, before: Int) throws {
        guard let index = prompts.firstIndex(where: { $0.count > positions }) else { return }
        let isQuestion = index + before < 0
        let source = isQuestion ? "--prompt" : request.data?.path ?? "the prompts"
        throw GenerationError(
            "\(source): prompt \((isQuestion ? index : index + before) + 1) has \(prompts[index].count) tokens, the model "
                + "\(positions) positions (max_position_embeddings); shorten it, or leave it out")
    }

    /// Finds out before the long work whether the output can be written.
    private func requireWritableOutput() throws {
        guard let output = request.output else { return }
        switch FileKind(output.path) {
        case .missing: break
        case .regular where request.overwrite: break
        case .regular:
            throw GenerationError(
                "\(output.path): is there already; name another --output, or pass --overwrite for a file")
        case .directory, .other:
            throw GenerationError(
                "\(output.path): is there already, and no regular file; name another --output")
        }
        guard request.data?.resolvingSymlinksInPath() != output.resolvingSymlinksInPath() else {
            throw GenerationError("\(output.path): is the file of the prompts; name another --output")
        }
        let folder = output.deletingLastPathComponent()
        guard FileManager.default.isWritableFile(atPath: folder.path) else {
            throw GenerationError("\(folder.path): cannot be written; name another --output")
        }
    }

    /// An answer as a language model is trained on it.
    private static func line(_ prompt: Prompt, _ text: GeneratedText) -> JSONValue {
        guard let messages = prompt.messages else {
            return ["prompt": .string(prompt.text), "completion": .string(text.text)]
        }
        let answer: JSONValue = ["role": "assistant", "content": .string(text.text)]
        var object: JSONObject = ["messages": .array(messages + [answer])]
        if let tools = prompt.tools { object["tools"] = .array(tools) }
        return .object(object)
    }
}

extension Prompt {
    /// Its tokens: of a conversation as the chat template writes it.
    fileprivate func tokens(_ encoder: PromptEncoder) throws -> [Int32] {
        guard let messages else { return try encoder.tokens(of: text) }
        return try encoder.tokens(of: messages, tools: tools)
    }
}
