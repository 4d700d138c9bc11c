/// How an encoder's attention depends on the places of tokens, beside what their embeddings say of them.
package enum AttentionPositions: Sendable {
    /// Not at all.
    case none
    /// By a bias of each head and distance that all layers share (MPNet).
    case bias
    /// By the products of tokens with the embeddings of their distances (DeBERTa).
    case disentangled
    /// By a rotation of queries and keys (ModernBERT).
    case rotary
}
