// Cases that fail in both browsers, and why they are right all the same.

export const suspects = {
};
