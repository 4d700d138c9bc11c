/// The meaning of a token, by llama.cpp's number: `tokenizer.ggml.token_type`.
package enum GGUFTokenKind: Int, Sendable {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
}
