/**
 * A certificate that no authority has signed, for a mail relay called `127.1`, and its key. Both serve these tests alone.
 * The system takes the name for 127.0.0.1, but our exception for relays on this machine does not.
 */
export const relayCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRtYWlsIHJl
bGF5IG9mIGEgdGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
HzEdMBsGA1UEAwwUbWFpbCByZWxheSBvZiBhIHRlc3QwWTATBgcqhkjOPQIBBggq
hkjOPQMBBwNCAAQ2VLrFVqnXjZU1nSr8hAFxo/amwNsZR/Tbp+MsZyvPiKSZ1Yfm
9iwTXQEoWCmUgIC7Ah9ovQM6JxHscoNFJwBmo0QwQjAQBgNVHREECTAHggUxMjcu
MTAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRciK81mqQg11sfEGadgXb2vogy
RzAKBggqhkjOPQQDAgNJADBGAiEA7zQJwhkQHs5+P/oFppDSMwKZJqKl9rQBu2sh
6wcTuYYCIQCw7dT4sSK2fnqF+E5WwXciPhKWBGCbCO6HdPy/nH5jyA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTfCzcH0PbPm9tVvY
L+hiAVnON41wLIv0GKuDMsedEO+hRANCAAQ2VLrFVqnXjZU1nSr8hAFxo/amwNsZ
R/Tbp+MsZyvPiKSZ1Yfm9iwTXQEoWCmUgIC7Ah9ovQM6JxHscoNFJwBm
-----END PRIVATE KEY-----
`,
};
