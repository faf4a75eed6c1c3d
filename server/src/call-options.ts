/** What calls of the library may say beside their subject. */

/** What an update may carry beyond its message. */
export interface UpdateOptions {
  /** Of which entry of the path's state this is the new value; a null message removes it. */
  readonly key?: string;
  /** Sessions that are not to hear it. */
  readonly except?: readonly string[];
  /** The id of the receiver that it comes from, which is not told of it. */
  readonly sender?: string;
}

/** All sessions of a user, or of a login. */
export type Kicked = { readonly user: string } | { readonly login: string };
