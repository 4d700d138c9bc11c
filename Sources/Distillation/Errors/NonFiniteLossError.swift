/// An error of training whose loss, or a gradient, was infinite or not a number.
public struct NonFiniteLossError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}
