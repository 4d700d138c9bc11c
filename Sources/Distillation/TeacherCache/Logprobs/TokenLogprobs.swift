import Datasets
import Foundation
import JSON
import Tokenizers

/// A token with its logarithm of a probability, as a server told it.
struct TokenLogprob {
    /// The token's text: as a text has it, as the vocabulary has it, or "token_id:NUMBER".
    var text: String?
    /// The bytes of the text, where they are told.
    var bytes: [UInt8]?
    /// The token's number, where it is told.
    var id: Int?
    var logprob: Double?
}

/// What a server told of one token: the token that came, and the most probable ones.
struct TokenLogprobs {
    var chosen: TokenLogprob
    var top: [TokenLogprob]
}

extension TokenLogprobs {
    /// Reads the log-probabilities of an answer: of OpenAI's or vLLM's chat completions (`content` with `top_logprobs`) or
    /// completions (`tokens` with `top_logprobs`), by themselves, under `logprobs`, in `choices`, or in a batch's `response`.
    ///
    /// - Returns: `nil` where there is nothing of that form.
    /// - Throws: `TokenLogprobsError` where there is, and something is wrong with a token.
    static func read(_ object: JSONObject) throws -> [TokenLogprobs]? {
        if let content = object["content"]?.arrayValue {
            return try content.enumerated().map { try entry($1, $0 + 1) }
        }
        if let tokens = object["tokens"]?.arrayValue, let top = object["top_logprobs"]?.arrayValue {
            return try columns(tokens, object["token_logprobs"]?.arrayValue, top)
        }
        if let list = object["logprobs"]?.arrayValue {
            return try list.enumerated().map { try entry($1, $0 + 1) }
        }
        let inner =
            object["logprobs"] ?? object["choices"]?.arrayValue?.first ?? object["response"] ?? object["body"]
        return try inner?.objectValue.flatMap { try read($0) }
    }

    /// `{"token": …, "logprob": …, "bytes": …, "top_logprobs": […]}`
    private static func entry(_ value: JSONValue, _ position: Int) throws -> TokenLogprobs {
        guard let object = value.objectValue else {
            throw TokenLogprobsError(
                position, "is \(value.typeName), not an object with 'token' and 'top_logprobs'")
        }
        let top = try (object["top_logprobs"]?.arrayValue ?? []).map { each in
            guard let object = each.objectValue else {
                throw TokenLogprobsError(position, "has \(each.typeName) among 'top_logprobs'; give objects")
            }
            return try token(object, position)
        }
        return TokenLogprobs(chosen: try token(object, position), top: top)
    }

    private static func token(_ object: JSONObject, _ position: Int) throws -> TokenLogprob {
        let bytes = object["bytes"]?.arrayValue?.compactMap { $0.intValue.flatMap(UInt8.init(exactly:)) }
        let result = TokenLogprob(
            text: object["token"]?.stringValue, bytes: bytes,
            id: object["token_id"]?.intValue ?? object["id"]?.intValue,
            logprob: object["logprob"]?.doubleValue)
        guard result.text != nil || result.id != nil else {
            throw TokenLogprobsError(position, "has neither 'token' nor 'token_id'; give one")
        }
        return result
    }

    /// `tokens`, `token_logprobs`, and a mapping of tokens to log-probabilities for each.
    private static func columns(
        _ tokens: [JSONValue], _ logprobs: [JSONValue]?, _ top: [JSONValue]
    ) throws -> [TokenLogprobs] {
        guard top.count == tokens.count, logprobs.map({ $0.count == tokens.count }) ?? true else {
            throw TokenLogprobsError(
                min(top.count, tokens.count) + 1,
                "is missing in 'tokens', 'token_logprobs' or 'top_logprobs', which must be of one length")
        }
        return try tokens.indices.map { index in
            guard let text = tokens[index].stringValue else {
                throw TokenLogprobsError(index + 1, "is \(tokens[index].typeName), not a text")
            }
            let chosen = TokenLogprob(text: text, logprob: logprobs?[index].doubleValue)
            let members = (top[index].objectValue ?? [:]).map {
                TokenLogprob(text: $0.key, logprob: $0.value.doubleValue)
            }
            return TokenLogprobs(chosen: chosen, top: members)
        }
    }
}

/// What is wrong with a token of a line.
struct TokenLogprobsError: Error {
    /// The token's position among those of the line, from 1.
    let position: Int
    let reason: String

    init(_ position: Int, _ reason: String) { (self.position, self.reason) = (position, reason) }
}

/// A tokenizer's tokens by what servers call them.
struct TokenMatcher {
    private let tokenizer: Tokenizer
    private let vocabularySize: Int
    private var byText: [[UInt8]: Int32] = [:]

    /// - Parameters:
    ///   - tokenizer: The student's.
    ///   - vocabularySize: The number of tokens that the student has.
    init(_ tokenizer: Tokenizer, vocabularySize: Int) {
        (self.tokenizer, self.vocabularySize) = (tokenizer, vocabularySize)
        // The text of one token may be how the vocabulary writes another: the text goes first.
        for id in (0..<Int32(vocabularySize)).reversed() {
            guard let text = tokenizer.idToToken(id) else { continue }
            byText[Array(text.utf8)] = id
        }
        for id in (0..<Int32(vocabularySize)).reversed() {
            if let bytes = tokenizer.bytes(ofToken: id) { byText[bytes] = id }
        }
    }

    /// The token's number; `nil` where the tokenizer has no such token.
    func id(of token: TokenLogprob) -> Int32? {
        let stated = token.id ?? token.text.flatMap(Self.statedID)
        if let stated { return (0..<vocabularySize).contains(stated) ? Int32(stated) : nil }
        return token.bytes.flatMap { byText[$0] } ?? token.text.flatMap { byText[Array($0.utf8)] }
    }

    /// Returns true if this is the token with a number, however it is told: several tokens may be of one text.
    func matches(_ token: TokenLogprob, _ id: Int32) -> Bool {
        if let stated = token.id ?? token.text.flatMap(Self.statedID) { return stated == Int(id) }
        guard let own = tokenizer.bytes(ofToken: id) else { return false }
        return token.bytes == own
            || token.text.map { Array($0.utf8) == own || $0 == tokenizer.idToToken(id) } ?? false
    }

    /// How a token is written in a message.
    func name(_ id: Int32) -> String { "'\(tokenizer.idToToken(id) ?? "")' (\(id))" }

    private static func statedID(_ text: String) -> Int? {
        text.hasPrefix("token_id:") ? Int(text.dropFirst(9)) : nil
    }
}
