import Foundation
import JSON

extension TokenizerParts {
    /// GPT-2's or RoBERTa's tokenizer as `vocab.json`, `merges.txt` and `tokenizer_config.json` describe it.
    init(vocabulary url: URL, merges mergesURL: URL, _ settings: TokenizerSettings) throws {
        let file = url.path(percentEncoded: false)
        let family = settings.family ?? .roberta
        guard family == .roberta || family == .gpt2 else {
            throw TokenizerError.unsupported(
                file: file, part: "tokenizer_class", type: "\(family)",
                supported: ["RobertaTokenizer", "GPT2Tokenizer"])
        }
        let entries = try StageConfiguration(
            file: file, value: .object(["vocab": JSONValue.load(contentsOf: url)]))
        let vocabulary = try entries.vocabulary("vocab")
        let mergesFile = mergesURL.path(percentEncoded: false)
        guard let text = try? String(contentsOf: mergesURL, encoding: .utf8) else {
            throw TokenizerError.malformed(
                file: mergesFile, key: "contents", reason: "not UTF-8; copy the file anew")
        }
        var merges: [(String, String)] = []
        let content = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        for (index, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#version") { continue }
            guard let merge = BPE.merge(of: line) else {
                throw TokenizerError.malformed(
                    file: mergesFile, key: "line \(index + 1)", reason: "expected two tokens, such as \"a b\""
                )
            }
            merges.append(merge)
        }
        model = try BPE(vocabulary: vocabulary, merges: merges, file: mergesFile)
        let addsPrefixSpace = try settings.addsPrefixSpace()
        preTokenizer = ByteLevel(addsPrefixSpace: addsPrefixSpace, usesRegex: true)
        addedTokens = []
        decoder = .success(ByteLevelDecoder())
        postProcessor = PlainPostProcessor()
        guard family == .roberta else { return }
        func id(of token: SpecialToken, _ usual: String) throws -> Int32 {
            try vocabulary.id(of: settings.name(of: token) ?? usual, as: token, file: file)
        }
        postProcessor = TrimmingPostProcessor(
            RobertaProcessing.template(cls: try id(of: .cls, "<s>"), sep: try id(of: .sep, "</s>")),
            trimming: OffsetTrimming(addsPrefixSpace: addsPrefixSpace))
    }
}
