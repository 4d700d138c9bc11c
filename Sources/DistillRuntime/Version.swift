/// This package's version, as `distill --version` prints it and every report records it.
public enum Version {
    public static let current = "0.1.0"
}
