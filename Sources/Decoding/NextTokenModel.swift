/// A language model as ``GenerationRun`` asks it: for the logits of the token after each text, with what texts had before kept in caches.
package protocol NextTokenModel {
    /// What a model keeps of one text's tokens, such as their keys and values.
    associatedtype Cache

    /// The most tokens of a text, its prompt's included.
    var positions: Int { get }
    /// The number of tokens of the vocabulary, V.
    var vocabularySize: Int { get }

    /// Makes the cache of a text without a token.
    func makeCache() throws -> Cache

    /// Makes the cache of a text that begins as another one: with as many of its first tokens as the model can share.
    ///
    /// - Parameters:
    ///   - cache: The other text's, which may grow afterwards.
    ///   - tokens: The tokens that both begin with, at most those that the cache holds.
    /// - Returns: The cache, and how many of the tokens it holds.
    func share(_ cache: Cache, tokens: Int) throws -> (cache: Cache, tokens: Int)

    /// Computes the logits of the token after the last of each text, (texts, V), and adds the tokens to the caches.
    ///
    /// - Parameters:
    ///   - ids: The tokens that the caches do not have yet, of all texts one after another.
    ///   - offsets: The beginning of each text among them, and the end.
    ///   - caches: The cache of each text.
    func logits(_ ids: [Int32], offsets: [Int], caches: [Cache]) throws -> [Float]
}

extension NextTokenModel {
    /// Checks that prompts have tokens, and only those that the model has.
    ///
    /// - Throws: ``GenerationError`` with the number of the prompt.
    package func validate(_ prompts: [[Int32]]) throws {
        for (number, prompt) in prompts.enumerated() {
            guard !prompt.isEmpty else {
                throw GenerationError(
                    "prompt \(number + 1) has no token; give it a text, or the token that begins one")
            }
            guard prompt.count <= positions else {
                throw GenerationError(
                    "prompt \(number + 1) has \(prompt.count) tokens, the model \(positions) positions "
                        + "(max_position_embeddings); shorten it")
            }
            if let id = prompt.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
                throw GenerationError(
                    "prompt \(number + 1) has token \(id), the model tokens 0 to \(vocabularySize - 1); use its own tokenizer"
                )
            }
        }
    }
}
